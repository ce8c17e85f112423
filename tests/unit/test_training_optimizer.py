import copy

import pytest
import torch

from training.optimizer import MasterWeightAdamW


def parameter() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.full((4,), 0.5, dtype=torch.bfloat16))


def descend(optimizer: torch.optim.Optimizer, weight: torch.nn.Parameter, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        weight.grad = torch.full_like(weight, 2.0)
        optimizer.step()


def test_steps_too_small_for_bfloat16_add_up() -> None:
    plain, mastered = parameter(), parameter()
    descend(torch.optim.AdamW([plain], lr=1e-4, weight_decay=0.0), plain, 100)
    descend(MasterWeightAdamW([mastered], 1e-4), mastered, 100)
    assert plain[0].item() == 0.5
    assert mastered[0].item() == pytest.approx(0.49, abs=0.002)


def test_it_steps_as_adamw_does_in_float32() -> None:
    weight = torch.nn.Parameter(torch.linspace(-1, 1, 8))
    reference = copy.deepcopy(weight)
    adamw = torch.optim.AdamW([reference], lr=0.01, weight_decay=0.0)
    ours = MasterWeightAdamW([weight], 0.01)
    for _ in range(5):
        for each, optimizer in ((reference, adamw), (weight, ours)):
            optimizer.zero_grad()
            each.pow(4).sum().backward()
            optimizer.step()
    assert torch.equal(weight, reference)


def test_frozen_parameters_are_left_alone() -> None:
    frozen = parameter().requires_grad_(False)
    assert MasterWeightAdamW([frozen, parameter()], 0.1).masters[0].dtype == torch.float32
    assert len(MasterWeightAdamW([frozen, parameter()], 0.1).masters) == 1


def test_it_goes_on_from_its_state_as_if_never_interrupted() -> None:
    unbroken, first, second = parameter(), parameter(), parameter()
    descend(MasterWeightAdamW([unbroken], 1e-4), unbroken, 60)
    before = MasterWeightAdamW([first], 1e-4)
    descend(before, first, 30)
    with torch.no_grad():
        second.copy_(first)
    after = MasterWeightAdamW([second], 1e-4)
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    descend(after, second, 30)
    assert torch.equal(second, unbroken)
