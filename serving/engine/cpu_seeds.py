"""vLLM general plugin: a request's ``seed`` does not kill the server on CPU.

While a long prompt is read in parts, vLLM draws a token after each part, throws it away, and
rewinds the request's random generator as if it had not. Only a GPU's can be rewound; a CPU's
raises, and the engine is gone with all that it was answering. Under load every prompt may be read
in parts, so anybody who may chat could do that. With the plugin a token that will be thrown away
is drawn by the common generator, and the request's own is left as it is.

vLLM logs and skips a plugin that fails to *import*, so this module imports nothing that can fail.
"""

import inspect
from typing import Any

_MARK = "leaves_generators_alone"


def register() -> None:
    """Entry point of the group `vllm.general_plugins`; may be called more than once.

    Raises:
        RuntimeError: this vLLM's model runner is not the one the plugin was written for.
    """
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return
    from vllm.v1.worker.cpu_model_runner import CPUModelRunner

    spare_generators(CPUModelRunner)


def spare_generators(runner: type) -> None:
    """Make a model runner's ``sample_tokens`` draw what it throws away without the seeds."""
    upstream = getattr(runner, "sample_tokens", None)
    if hasattr(upstream, _MARK):
        return
    found = " ".join(inspect.signature(upstream).parameters) if upstream else "nothing"
    if upstream is None or found != "self grammar_output":
        from vllm import __version__

        raise RuntimeError(
            f"philharmonic_cpu_seeds does not fit vLLM {__version__}: sample_tokens takes "
            f"({found}). Without it, requests with a seed can end the server. Install vLLM 0.32."
        )

    def sample_tokens(self: Any, grammar_output: Any) -> Any:
        generators = self.input_batch.generators
        thrown_away = self.discard_request_mask.np[: self.input_batch.num_reqs].nonzero()[0]
        spared = {row: generators.pop(row) for row in thrown_away.tolist() if row in generators}
        try:
            return upstream(self, grammar_output)
        finally:
            generators.update(spared)

    setattr(sample_tokens, _MARK, True)
    setattr(runner, "sample_tokens", sample_tokens)  # noqa: B010
