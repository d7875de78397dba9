"""Creates or updates the deployment's stack. Each step is derived from what is there, so that it can be run again at any time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multiregion.cloud.account import Account, AwsFailure
from multiregion.cloud.publish import Published
from multiregion.cloud.stack import NEVER_WHOLE, Stack
from multiregion.cloud.template import Template
from multiregion.errors import BadDeployment

CREATE, UPDATE, ATTACH, NOTHING = "create", "update", "attach", "nothing"
NO_CHANGES = "No updates are to be performed"
BUNDLE_PARAMETERS = ("WebBundleBucket", "WebBundleKey")
TAGS = [{"Key": "multiregion", "Value": "deployment"}]


@dataclass(frozen=True, slots=True)
class Launched:
    """`what` was begun, or `attach` if something went on already, or `nothing` if there is nothing to change."""

    what: str
    stack_id: str


def launch(
    account: Account, stack: Stack | None, name: str, template: Template, values: Mapping[str, str], published: Published
) -> Launched:
    """Raises BadDeployment for a stack that can only be deleted."""
    if stack is None:
        return create(account, name, template, values, published)
    if stack.runs:
        return Launched(ATTACH, stack.id)
    if stack.status in NEVER_WHOLE:
        raise BadDeployment(f"the stack {name} is {stack.status} and can only be deleted: multiregion aws deploy --retry")
    return update(account, stack, template, values, published)


def create(account: Account, name: str, template: Template, values: Mapping[str, str], published: Published) -> Launched:
    chosen = {**values, **bundle_values(template, published)}
    answer = account.call(
        "cloudformation",
        "create_stack",
        StackName=name,
        TemplateURL=published.template_url,
        Parameters=[given(key, value) for key, value in chosen.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        OnFailure="ROLLBACK",
        Tags=TAGS,
    )
    return Launched(CREATE, answer["StackId"])


def update(account: Account, stack: Stack, template: Template | None, values: Mapping[str, str], published: Published) -> Launched:
    """With no template the stack's own is used again, which changes nothing but parameters."""
    known = set(template.parameters if template else stack.parameters)
    chosen = {**values, **bundle_values(template or stack, published)}
    source: dict[str, Any] = {"TemplateURL": published.template_url} if template else {"UsePreviousTemplate": True}
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in stack.parameters if key in known and key not in chosen]
    try:
        account.call(
            "cloudformation",
            "update_stack",
            StackName=stack.id,
            Parameters=[*kept, *(given(key, value) for key, value in chosen.items())],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            Tags=TAGS,
            **source,
        )
    except AwsFailure as error:
        if NO_CHANGES in error.detail:
            return Launched(NOTHING, stack.id)
        raise
    return Launched(UPDATE, stack.id)


def bundle_values(source: Template | Stack, published: Published) -> dict[str, str]:
    """Where the web application is, for a template that asks for it."""
    if published.bundle_key is None:
        return {}
    values = dict(zip(BUNDLE_PARAMETERS, (published.bucket, published.bundle_key), strict=True))
    return {key: value for key, value in values.items() if key in source.parameters}


def given(key: str, value: str) -> dict[str, Any]:
    return {"ParameterKey": key, "ParameterValue": value}
