"""What somebody who launches the template is asked, as the console's form shows it, and what is checked before anything is made."""

from dataclasses import dataclass

import aws_cdk as cdk

from infra.stack import Stack
from multiregion import __version__
from multiregion.cloud.regions import SUPPORTED, WHY

SOLUTION_ID = "multiregion"
REGION = r"[a-z]{2}(-[a-z]+){1,3}-[0-9]"
WHO = ("AdminName", "AdminEmail", "AdminPhone")
WHERE = ("SecondaryRegion", "WitnessRegion")
HOW = ("FailoverWritable", "UserReplication", "MetricsEndpoint")
SITE = ("WebBundleBucket", "WebBundleKey")
GROUPS = {
    "The administrator": WHO,
    "The regions (the primary is the one you are in)": WHERE,
    "How it behaves": HOW,
    "Another web application than the one in this template (leave empty for that one)": SITE,
}
LABELS = {
    "AdminName": "Admin Name",
    "AdminEmail": "Admin Email",
    "AdminPhone": "Admin Phone Number",
    "SecondaryRegion": "Secondary Region",
    "WitnessRegion": "Witness Region",
    "FailoverWritable": "Writable in failover",
    "UserReplication": "User replication",
    "MetricsEndpoint": "Metrics endpoint",
    "WebBundleBucket": "Bucket of the web bundle",
    "WebBundleKey": "Key of the web bundle",
}


@dataclass(frozen=True)
class Chosen:
    """What was answered, and the conditions that follow."""

    secondary: str
    authority_region: str
    user_replication: str
    native: cdk.CfnCondition


def ask(stack: Stack) -> Chosen:
    administrator(stack)
    secondary, witness = regions(stack)
    behaviour(stack)
    bundle(stack)
    interface(stack)
    cdk.CfnMapping(
        stack,
        "Solution",
        mapping={"Metrics": {"SendAnonymousData": "No"}, "Data": {"ID": SOLUTION_ID, "Version": __version__}},
    )
    has_witness = stack.condition("HasWitness", witness, "", differs=True)
    native = stack.condition("NativeUserReplication", stack.sub("${UserReplication}"), "native")
    authority = cdk.Fn.condition_if(has_witness.logical_id, witness, secondary).to_string()
    return Chosen(secondary, authority, stack.sub("${UserReplication}"), native)


def administrator(stack: Stack) -> None:
    stack.parameter(
        "AdminName",
        "The user name of the administrator's account, which will be created",
        allowed_pattern=r"[A-Za-z0-9._+@-]{1,128}",
        constraint_description="1 to 128 letters, digits or . + @ - _ without spaces",
    )
    stack.parameter(
        "AdminEmail",
        "Where the invitation with the temporary password, and alarms, are sent",
        allowed_pattern=r"[^\s@]+@[^\s@]+\.[^\s@]+",
        constraint_description="An e-mail address, such as admin@example.com",
    )
    stack.parameter(
        "AdminPhone",
        "The administrator's phone number, with + and the country's code",
        allowed_pattern=r"\+[1-9][0-9]{6,14}",
        constraint_description="+ and 7 to 15 digits without spaces, in the format +12345678999",
    )


def regions(stack: Stack) -> tuple[str, str]:
    secondary = stack.parameter(
        "SecondaryRegion",
        "The region that takes over, such as ap-northeast-1; one that every account has",
        allowed_pattern=REGION,
        constraint_description="The code of a region, such as ap-northeast-1",
    ).value_as_string
    witness = stack.parameter(
        "WitnessRegion",
        "A third region for the table that decides the state; empty: the secondary region",
        default="",
        allowed_pattern=f"({REGION})?",
        constraint_description="Empty, or the code of a third region, such as us-west-2",
    ).value_as_string
    here = cdk.Aws.REGION
    different(stack, "RegionsDiffer", secondary, here, "SecondaryRegion must not be the region that the stack is in")
    different(stack, "WitnessIsNotPrimary", witness, here, "WitnessRegion must be a third region, or empty")
    different(stack, "WitnessIsNotSecondary", witness, secondary, "WitnessRegion must be a third region, or empty")
    supported(stack, "PrimaryIsSupported", here, "The region that the stack is in")
    supported(stack, "SecondaryIsSupported", secondary, "SecondaryRegion")
    supported(stack, "WitnessIsSupported", witness, "WitnessRegion", "")
    return secondary, witness


def different(stack: Stack, name: str, one: str, other: str, otherwise: str) -> None:
    differs = cdk.Fn.condition_not(cdk.Fn.condition_equals(one, other))
    cdk.CfnRule(stack, name, assertions=[cdk.CfnRuleAssertion(assert_=differs, assert_description=otherwise)])


def supported(stack: Stack, name: str, region: str, what: str, *more: str) -> None:
    is_supported = cdk.Fn.condition_contains([*SUPPORTED, *more], region)
    cdk.CfnRule(stack, name, assertions=[cdk.CfnRuleAssertion(assert_=is_supported, assert_description=f"{what} cannot be used: {WHY}")])


def behaviour(stack: Stack) -> None:
    stack.parameter(
        "FailoverWritable",
        "Whether the secondary accepts photos and comments in the state failover, unless a change of state says otherwise",
        default="no",
        allowed_values=["no", "yes"],
    )
    stack.parameter(
        "UserReplication",
        "profile: two user pools, passwords are not carried. native: one user pool that Cognito replicates, with passwords",
        default="profile",
        allowed_values=["profile", "native"],
    )
    stack.parameter(
        "MetricsEndpoint",
        "Your own address for the event STATE_UPDATED; used only if the mapping Solution, Metrics, SendAnonymousData is set to Yes",
        default="",
        allowed_pattern=r"(https://[^\s]+)?",
        constraint_description="Empty, or an address that begins with https://",
    )


def bundle(stack: Stack) -> None:
    stack.parameter("WebBundleBucket", "The bucket of another web application", default="")
    stack.parameter("WebBundleKey", "Its zip in that bucket", default="")


def interface(stack: Stack) -> None:
    groups = [{"Label": {"default": label}, "Parameters": list(names)} for label, names in GROUPS.items()]
    labels = {name: {"default": label} for name, label in LABELS.items()}
    stack.template_options.metadata = {"AWS::CloudFormation::Interface": {"ParameterGroups": groups, "ParameterLabels": labels}}
