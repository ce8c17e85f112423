"""AdamW for an adapter that is kept in bfloat16."""

from collections.abc import Callable, Iterable
from typing import Any

import torch


class MasterWeightAdamW(torch.optim.AdamW):  # type: ignore[misc]
    """AdamW that works on float32 copies of bfloat16 parameters (Micikevicius et al. 2018).

    In bfloat16 itself Adam goes wrong: a second moment times 0.999 rounds back to itself, so it
    never forgets the first, large gradients, and small steps round to nothing (docs/log.md).
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], learning_rate: float) -> None:
        self._trained = [parameter for parameter in parameters if parameter.requires_grad]
        masters = [parameter.detach().float().clone() for parameter in self._trained]
        super().__init__(masters, lr=learning_rate, weight_decay=0.0)

    @property
    def masters(self) -> list[torch.Tensor]:
        """The float32 copies, in the parameters' order."""
        masters: list[torch.Tensor] = self.param_groups[0]["params"]
        return masters

    def step(self, closure: Callable[[], float] | None = None) -> None:
        """One update, from the parameters' gradients to the parameters."""
        assert closure is None
        for master, parameter in zip(self.masters, self._trained, strict=True):
            master.grad = None if parameter.grad is None else parameter.grad.float()
        super().step()
        with torch.no_grad():
            for master, parameter in zip(self.masters, self._trained, strict=True):
                parameter.copy_(master)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients."""
        for parameter in self._trained:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """AdamW's state and the float32 copies."""
        return {**super().state_dict(), "masters": self.masters}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where another optimizer of the same parameters was."""
        state = dict(state_dict)
        saved = state.pop("masters")
        super().load_state_dict(state)
        with torch.no_grad():
            for master, value in zip(self.masters, saved, strict=True):
                master.copy_(value)
