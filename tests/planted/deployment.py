"""Guards of the AWS deployment, each with what its absence looks like and the test that must then fail."""

TEMPLATE = "tests/infra/test_template.py"

MUTANTS: list[tuple[str, str, str, str]] = [
    # room
    ("infra/limits.py", "    if size > most:", "    if False:", f"{TEMPLATE}::test_a_text_that_leaves_too_little_room_is_refused"),
    ("infra/limits.py", "len(text.encode())", "len(text)", f"{TEMPLATE}::test_a_text_that_leaves_too_little_room_is_refused"),
    (
        "infra/synthesis.py",
        'roomy(f"the layer {name}", body, BODY_BYTES_MAX)',
        "body",
        f"{TEMPLATE}::test_a_layer_that_is_too_large_is_not_synthesised",
    ),
]
