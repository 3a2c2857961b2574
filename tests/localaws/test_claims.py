"""What the documents say of who is answered, and the tests that hold it: neither changes without the other."""

from __future__ import annotations

import ast
import re

import pytest

from tests.checkout import ROOT

PAGE, STEPS = "docs/local-aws.md", "services/sagemaker/test_handlers.py"
ROLES = "authorization/test_services.py"
GATE, SIGNATURES = "server/test_gate.py", "server/test_signatures.py"
CLAIMS = [
    (PAGE, "The first `ndr-local up` makes a random access key", "test_credential.py", "each_home_has_one"),
    (PAGE, "Every request must be signed with it", GATE, "what_a_page_sends_does_nothing"),
    (PAGE, "refused with 403 before anything happens", GATE, "a_page_cannot_run_a_program"),
    (PAGE, "variables of the same names, with credentials of their role", ROLES, "a_step_works_with_its_role"),
    (PAGE, "or as a presigned URL", SIGNATURES, "a_presigned_url_opens_one_object"),
    (PAGE, "good for 15 minutes", SIGNATURES, "a_signature_is_good_for_fifteen_minutes"),
    (PAGE, "The server listens on 127.0.0.1 only", GATE, "nobody_beyond_this_machine"),
    (PAGE, "names 127.0.0.1, localhost and [::1] with its port", GATE, "own_names_and_own_origin"),
    (PAGE, "`NDR_LOCAL_HOSTS=", GATE, "a_forwarder_is_answered_under_its_name"),
    (PAGE, "the mode 0700 and its files 0600", "cli/test_private_files.py", "all_files_of_a_home"),
    (PAGE, "`up` closes that of an earlier release", "cli/test_private_files.py", "a_home_of_an_earlier"),
    (PAGE, "must be stopped first", "cli/test_process.py", "a_server_of_an_earlier_release"),
    (PAGE, "never in logs, messages or command lines", "services/sagemaker/test_commands.py", "secrets_are_in"),
    (PAGE, "Only the commands of stages", STEPS, "only_commands_of_stages"),
    (PAGE, "if that is the command of a stage", "services/test_glue.py", "only_commands_of_stages"),
    (PAGE, "these are off", GATE, "what_is_not_in_use_is_not_there"),
    ("SECURITY.md", "listens on 127.0.0.1 only", GATE, "nobody_beyond_this_machine"),
    ("SECURITY.md", "signed with the random credential of its home folder", SIGNATURES, "another_secret_is_refused"),
    ("SECURITY.md", "the user alone can read", "test_credential.py", "only_the_user_can_read_it"),
]  # fmt: skip


@pytest.mark.parametrize(("page", "claim", "module", "test"), CLAIMS, ids=lambda value: str(value)[:40])
def test_a_claim_is_held_by_a_test(page: str, claim: str, module: str, test: str) -> None:
    assert claim in re.sub(r"\s+", " ", (ROOT / page).read_text())
    tree = ast.parse((ROOT / "tests/localaws" / module).read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [name for name in names if name.startswith(f"test_{test}")]
