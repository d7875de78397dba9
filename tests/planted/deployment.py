"""Guards of the AWS deployment, each with what its absence looks like and the test that must then fail."""

FINALIZER = "tests/infra/test_lambdas_finalizer.py"
PUBLISHER = "tests/infra/test_lambdas_site_publisher.py"
TEMPLATE = "tests/infra/test_template.py"
AGAIN = f"{TEMPLATE}::test_the_finalizer_works_again_when_a_layer_the_headers_or_the_web_application_change"

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
    # the web application in the template
    ("infra/finishing.py", "[*bodies.values(), bundle, config]", "[*bodies.values(), bundle]", AGAIN),
    ("infra/finishing.py", "[*bodies.values(), bundle, config]", "[*bodies.values(), config]", AGAIN),
    ("infra/web_bundle.py", "is_fresh():", "is_fresh() and False:", f"{PUBLISHER}::test_a_bundle_of_other_sources_is_refused"),
    (
        "infra/web_bundle.py",
        "return before if before and unpacked(before) == files else packed(files)",
        "return packed(files)",
        f"{PUBLISHER}::test_a_text_that_holds_the_same_files_is_kept_however_it_was_packed",
    ),
    (
        "infra/web_bundle.py",
        "in sorted(files.items())",
        "in files.items()",
        f"{PUBLISHER}::test_the_same_files_make_the_same_text_whenever_and_in_whatever_order_they_were_written",
    ),
    (
        "infra/lambdas/site_publisher.py",
        '.replace("$", ".")\n',
        "\n",
        f"{PUBLISHER}::test_nothing_in_the_text_looks_like_a_place_to_fill_in_or_ends_a_string",
    ),
    (
        "infra/lambdas/site_publisher.py",
        'if name.startswith("assets/") else ASK_AGAIN',
        "",
        f"{PUBLISHER}::test_the_web_application_is_in_both_buckets_with_types_cache_headers_and_configuration",
    ),
    (
        "infra/lambdas/site_publisher.py",
        "sorted(files, key=lambda each: each == PAGE)",
        "files",
        f"{PUBLISHER}::test_the_page_is_written_last",
    ),
    (
        "infra/lambdas/site_publisher.py",
        " or PAGE not in [each.filename for each in entries]",
        "",
        f"{PUBLISHER}::test_what_is_no_bundle_is_refused_before_anything_is_written",
    ),
    (
        "infra/lambdas/site_publisher.py",
        "sum(each.file_size for each in entries)",
        "0",
        f"{PUBLISHER}::test_what_is_no_bundle_is_refused_before_anything_is_written",
    ),
    (
        "infra/lambdas/finalizer.py",
        '            "dashboardUrl": self.given["DashboardUrl"],\n',
        "",
        f"{FINALIZER}::test_the_page_is_told_where_both_regions_are",
    ),
]
