"""The regions that the template can be deployed in."""

SUPPORTED = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
"""Those that every account has. AWS adds none to them: all newer regions have to be enabled first."""
WHY = (
    "only regions that every account has are supported. In the others, which have to be enabled, CloudFormation acts as a principal of the"
    " region's own, and CloudFront cannot write access logs to some of them"
)
