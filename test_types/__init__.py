"""The bundled test types, one file each; `TEST_TYPES` is the explicit list of them."""
