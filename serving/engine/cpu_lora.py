"""vLLM general plugin: right and fast LoRA on CPU.

vLLM's own CPU code indexes the stacked adapters with -1 for "no adapter", which picks the last
slot: base-model requests that share a batch with adapter requests get that adapter's output. It
also copies one whole adapter per token. The plugin makes the CPU platform hand out
`GroupedPunicaWrapper` instead; vLLM asks the platform when it builds the LoRA layers, so nothing
can hold on to the old code.

vLLM logs and skips a plugin that fails to *import*, so this module imports nothing that can fail.
"""

import inspect

UPSTREAM = "vllm.lora.punica_wrapper.punica_cpu.PunicaWrapperCPU"
REPLACEMENT = "serving.engine.grouped_lora.GroupedPunicaWrapper"

CONTRACT = {
    "update_metadata": "self mapping lora_index_to_id max_loras vocab_size kwargs",
    "add_shrink": "self y x lora_a_stacked scale kwargs",
    "add_expand": "self y x lora_b_stacked output_slices offset_start add_inputs kwargs",
    "add_lora_embedding": "self y x lora_b_stacked add_inputs kwargs",
    "add_lora_linear": "self y x lora_a_stacked lora_b_stacked scale output_slices buffer kwargs",
    "add_lora_logits": "self y x lora_a_stacked lora_b_stacked scale buffer kwargs",
}
"""The methods `GroupedPunicaWrapper` overrides and their parameters, as in vLLM 0.32."""


def register() -> None:
    """Entry point of the group `vllm.general_plugins`; may be called more than once.

    Raises:
        RuntimeError: this vLLM's CPU LoRA code is not the one the plugin was written for.
    """
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return
    chosen = current_platform.get_punica_wrapper()
    if chosen == REPLACEMENT:
        return
    if chosen != UPSTREAM:
        raise _unfit(f"the platform's LoRA wrapper is {chosen}, not {UPSTREAM}")

    from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

    check_contract(PunicaWrapperCPU)
    platform = type(current_platform)
    setattr(platform, "get_punica_wrapper", classmethod(lambda cls: REPLACEMENT))  # noqa: B010


def check_contract(wrapper: type) -> None:
    """Raise RuntimeError if a method of `CONTRACT` is missing or takes other parameters."""
    for name, expected in CONTRACT.items():
        method = getattr(wrapper, name, None)
        found = " ".join(inspect.signature(method).parameters) if method else "nothing"
        if found != expected:
            raise _unfit(f"{wrapper.__name__}.{name} takes ({found}), expected ({expected})")


def _unfit(reason: str) -> RuntimeError:
    from vllm import __version__

    return RuntimeError(
        f"philharmonic_cpu_lora does not fit vLLM {__version__}: {reason}. Without it, CPU LoRA "
        "gives wrong answers in mixed batches. Install vLLM 0.32, or leave the plugin out with "
        "VLLM_PLUGINS and serve no adapters."
    )
