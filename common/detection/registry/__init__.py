"""The model registry: artifacts of models, and the pointer to the current one."""
