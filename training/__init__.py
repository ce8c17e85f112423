"""One YAML -> data -> LoRA or QLoRA run -> evaluation on the served engine -> published version."""
