"""The plugin for seeds on CPU, with torch's own generators and vLLM's own rule to rewind them."""

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from serving.engine.cpu_seeds import register, spare_generators  # noqa: E402


def a_runner() -> Any:
    """Draws a number for each request, rewinds the generators of those in the mask, as vLLM."""

    class Runner:
        def __init__(self) -> None:
            self.input_batch = SimpleNamespace(num_reqs=2, generators={})
            self.discard_request_mask = SimpleNamespace(np=np.zeros(8, dtype=bool))

        def sample_tokens(self, grammar_output: Any) -> list[float]:
            generators = self.input_batch.generators
            drawn = [torch.rand(1, generator=generators.get(row)).item() for row in range(2)]
            for row in np.nonzero(self.discard_request_mask.np[: self.input_batch.num_reqs])[0]:
                if (generator := generators.get(int(row))) is not None:
                    generator.set_offset(generator.get_offset() - 4)
            return drawn

    return Runner


def seeded(runner: Any, *seeds: int) -> Any:
    for row, seed in enumerate(seeds):
        runner.input_batch.generators[row] = torch.Generator().manual_seed(seed)
    return runner


def test_vllm_alone_fails_where_a_prompt_is_read_in_parts() -> None:
    runner = seeded(a_runner()(), 1)
    runner.discard_request_mask.np[0] = True
    with pytest.raises(RuntimeError, match="CPU Generator does not use offset"):
        runner.sample_tokens(None)


def test_parts_of_a_prompt_do_not_change_what_a_seed_gives() -> None:
    kind = a_runner()
    spare_generators(kind)
    whole, in_parts = seeded(kind(), 1, 2), seeded(kind(), 1, 2)
    expected = whole.sample_tokens(None)
    for _ in range(3):
        in_parts.discard_request_mask.np[:] = True
        in_parts.sample_tokens(None)
    in_parts.discard_request_mask.np[:] = False
    assert in_parts.sample_tokens(None) == expected


def test_rows_beyond_the_batch_do_not_count() -> None:
    kind = a_runner()
    spare_generators(kind)
    runner = seeded(kind(), 1, 2)
    runner.discard_request_mask.np[2:] = True
    assert runner.sample_tokens(None) == seeded(kind(), 1, 2).sample_tokens(None)


def test_twice_is_once() -> None:
    kind = a_runner()
    spare_generators(kind)
    once = kind.sample_tokens
    spare_generators(kind)
    assert kind.sample_tokens is once


def test_it_refuses_a_runner_it_does_not_know() -> None:
    pytest.importorskip("vllm")

    class Other:
        def sample_tokens(self, more: Any, grammar_output: Any) -> None: ...

    with pytest.raises(RuntimeError, match="does not fit vLLM"):
        spare_generators(Other)


def test_it_fits_the_vllm_that_is_installed() -> None:
    pytest.importorskip("vllm")
    from vllm.platforms import current_platform
    from vllm.v1.worker.cpu_model_runner import CPUModelRunner
    from vllm.v1.worker.gpu_model_runner import GPUModelRunner

    if not current_platform.is_cpu():
        pytest.skip("not on CPU")
    register()
    assert CPUModelRunner.sample_tokens is not GPUModelRunner.sample_tokens
