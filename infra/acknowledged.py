"""What validators say of the template that stays as it is, and why. Whatever is not listed here has to be put right."""

from dataclasses import dataclass

import aws_cdk as cdk


@dataclass(frozen=True)
class Acknowledged:
    """`rule` with what it is about in brackets, where it matters; `where` a path of constructs, `*` in it for any."""

    rule: str
    where: str
    reason: str


BRANCH = "the reference stands in the branch of an Fn::If whose condition is the other's"
VALIDATION = (
    Acknowledged("CloudFormation-Validate::W1001", "stores", BRANCH),
    Acknowledged("CloudFormation-Validate::W2503", "stores/UserPool", BRANCH),
    Acknowledged(
        "CloudFormation-Validate::F3031", "hub/AuthorityStackSet", "an empty WitnessRegion is never used: Fn::If takes the secondary"
    ),
)
NAG = (
    Acknowledged(
        "AwsSolutions-IAM5[*:log-group:/aws/lambda/*]",
        "*Role",
        "a function writes the streams of its own log group, whose names are made up",
    ),
    Acknowledged("AwsSolutions-IAM5[*-photos-*]", "stores/ReplicationRole", "replication reads and writes every photo of one bucket"),
    Acknowledged(
        "AwsSolutions-IAM5[*]", "stores/BatchReplicationRole", "every photo of one bucket, and lists whose names are made at run time"
    ),
    Acknowledged(
        "AwsSolutions-IAM5[*-photos-*]",
        "writer/WriterRole",
        "photos and pending uploads of one bucket; their names are made at run time",
    ),
    Acknowledged(
        "AwsSolutions-IAM5[Resource::*]",
        "stores/UserImporterRole",
        "a stream's name holds the time it was made, and ListStreams knows no narrower resource",
    ),
    Acknowledged(
        "AwsSolutions-IAM5[*]",
        "hub/StackSetExecutionRole",
        "services by action, resources by the deployment's own prefix; test_template.py holds it to that",
    ),
    Acknowledged(
        "AwsSolutions-IAM5[*-site-*]", "hub/SitePublisherRole", "the site buckets of this deployment, in regions that a parameter names"
    ),
    Acknowledged("AwsSolutions-IAM5[*]", "hub/FinalizerRole", "buckets and stacks of this deployment, in regions that a parameter names"),
    Acknowledged(
        "AwsSolutions-IAM5[*:logs:*]", "writer/ApiLogsRole", "one role writes the logs of every API that the account has in the region"
    ),
    Acknowledged("AwsSolutions-APIG2", "*", "a mapping template or the function checks each field, and names it in the refusal"),
    Acknowledged(
        "AwsSolutions-APIG3", "*Stage", "stages are throttled; a web ACL costs more than the whole deployment, and is the operator's to add"
    ),
    Acknowledged(
        "AwsSolutions-COG1",
        "*/UserPool",
        "twelve characters of whatever kind, as in the package: length is what makes a password hard to guess",
    ),
    Acknowledged("AwsSolutions-SQS3", "stores/UserImporterFailures", "it holds what has failed: it is the queue for dead letters"),
    Acknowledged(
        "AwsSolutions-COG2",
        "*/UserPool",
        "a second factor is the operator's choice: the demonstration has one administrator, invited by e-mail",
    ),
    Acknowledged(
        "AwsSolutions-COG8", "*/UserPool", "the guide's costs leave no room for the Plus plan; Essentials has what replication needs"
    ),
    Acknowledged("AwsSolutions-CFR1", "hub/Distribution", "whom an application is for is not known here; no country is kept out"),
    Acknowledged("AwsSolutions-S1", "hub/CdnLogsBucket", "it holds the access logs themselves"),
    Acknowledged(
        "AwsSolutions-CFR2",
        "hub/Distribution",
        "static files only; a web ACL costs more than the whole deployment, and is the operator's to add",
    ),
    Acknowledged(
        "AwsSolutions-CFR4", "hub/Distribution", "CloudFront's own domain allows no other choice; a certificate of one's own does"
    ),
)


def acknowledge(app: cdk.App) -> None:
    """Keeps CDK's own validator quiet about what is listed; it says everything else aloud."""
    for each in VALIDATION:
        stack, _, inside = each.where.partition("/")
        found = app.node.try_find_child(stack)
        construct = found.node.find_child(inside) if found and inside else found
        if construct:
            cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=each.rule, reason=each.reason))
