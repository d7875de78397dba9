"""Bugs in what a process loads, and whom a client trusts: (file, what is there, what it becomes, the test that must notice)."""

LOADING, TLS = "tests/unit/test_loading.py", "tests/unit/test_tls.py"
COMMAND = f"{LOADING}::test_a_command_does_not_wait_for_servers_or_other_commands"
PART = f"{LOADING}::test_a_part_does_not_wait_for_command_lines_or_decoders"
REFUSED = f"{TLS}::test_whom_httpx_does_not_trust_is_refused"
TRUSTED = f"{TLS}::test_whom_httpx_trusts_is_trusted"
FIRST = f"{TLS}::test_authorities_are_read_at_the_first_handshake_and_not_before"

MUTANTS: list[tuple[str, str, str, str]] = [
    ("cli/commands.py", "(cmd_name,) if cmd_name in PLACES else PLACES:", "PLACES:", COMMAND),
    (
        "cli/silence.py",
        "from multiregion.local.conditions import",
        "import multiregion.local.faults\nfrom multiregion.local.conditions import",
        COMMAND,
    ),
    ("commands/options.py", "import left_behind\n", "import left_behind\nimport multiregion.local.drilling\n", COMMAND),
    ("local/__init__.py", 'sys.modules.setdefault("httpx._main", None)', 'sys.modules.get("httpx._main")', PART),
    ("gallery/drill.py", "import base64\n", "import base64\nimport PIL.Image\n", PART),
    ("cli/aws.py", "import typer\n", "import boto3\nimport typer\n", f"{LOADING}::test_no_command_waits_for_boto3_before_it_needs_it"),
    ("tls.py", "    def wrap_socket(self", "    def another(self", TRUSTED),
    ("tls.py", "    def wrap_bio(self", "    def another(self", TRUSTED),
    (
        "tls.py",
        "            self.load_verify_locations(",
        "            self.check_hostname, self.verify_mode = False, ssl.CERT_NONE\n            str(",
        REFUSED,
    ),
    (
        "tls.py",
        'first handshake."""\n',
        'first handshake."""\n\n    def __init__(self, *words: Any) -> None:\n        self._read_authorities()\n',
        FIRST,
    ),
    ("local/up.py", ", verify=TRUST)", ")", f"{TLS}::test_no_client_reads_them_for_itself"),
]
