"""The front end: one CloudFront distribution over the site buckets of both regions. It asks the second when the first fails."""

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_s3 as s3

from infra.object_store import ENCRYPTED, LOG_DAYS, PRIVATE, bucket_policy
from infra.stack import Stack, keep

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""CloudFront's managed policy: what the origin says, up to a year, compressed."""
FAILING = [403, 404, 500, 502, 503, 504]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
    " img-src 'self' blob: data: {pictures}; connect-src 'self' {regions};"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types default"
)
"""The content security policy; the finalizer fills in the addresses of both regions, which nobody knows before."""
YEARS_2 = 63_072_000


def front_end(stack: Stack, secondary: str) -> tuple[cloudfront.CfnDistribution, cloudfront.CfnResponseHeadersPolicy]:
    control = cloudfront.CfnOriginAccessControl(
        stack,
        "OriginAccess",
        origin_access_control_config={
            "name": stack.sub("${Prefix}-site"),
            "originAccessControlOriginType": "s3",
            "signingBehavior": "always",
            "signingProtocol": "sigv4",
        },
    )
    headers, (logs, logs_policy) = security_headers(stack), log_bucket(stack)
    distribution = cloudfront.CfnDistribution(stack, "Distribution", distribution_config=config(stack, control, headers, logs, secondary))
    distribution.add_resource_dependency(logs_policy)
    return distribution, headers


def config(
    stack: Stack,
    control: cloudfront.CfnOriginAccessControl,
    headers: cloudfront.CfnResponseHeadersPolicy,
    logs: s3.CfnBucket,
    secondary: str,
) -> dict[str, object]:
    origins = {"primary": cdk.Aws.REGION, "secondary": secondary}
    members = [{"originId": id} for id in origins]
    return {
        "enabled": True,
        "comment": stack.sub("${Prefix}"),
        "httpVersion": "http2and3",
        "ipv6Enabled": True,
        "defaultRootObject": "index.html",
        "origins": [origin(stack, id, region, control) for id, region in origins.items()],
        "originGroups": {
            "quantity": 1,
            "items": [
                {
                    "id": "site",
                    "failoverCriteria": {"statusCodes": {"quantity": len(FAILING), "items": FAILING}},
                    "members": {"quantity": len(members), "items": members},
                }
            ],
        },
        "defaultCacheBehavior": {
            "targetOriginId": "site",
            "viewerProtocolPolicy": "redirect-to-https",
            "compress": True,
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": CACHING_OPTIMIZED,
            "responseHeadersPolicyId": headers.attr_id,
        },
        "viewerCertificate": {"cloudFrontDefaultCertificate": True},
        "logging": {"bucket": logs.attr_domain_name, "prefix": "cloudfront/", "includeCookies": False},
    }


def origin(stack: Stack, id: str, region: str, control: cloudfront.CfnOriginAccessControl) -> dict[str, object]:
    """Buckets have names that are known before they exist, so that the distribution can be made first."""
    return {
        "id": id,
        "domainName": cdk.Fn.join("", [stack.sub("${Prefix}-site-"), region, ".s3.", region, ".amazonaws.com"]),
        "originAccessControlId": control.attr_id,
        "s3OriginConfig": {"originAccessIdentity": ""},
        "connectionAttempts": 2,
        "connectionTimeout": 3,
    }


def security_headers(stack: Stack) -> cloudfront.CfnResponseHeadersPolicy:
    """What the page may load and talk to. Until the finalizer has put in both regions' addresses: only itself."""
    policy = POLICY.replace(" {pictures}", "").replace(" {regions}", "")
    override = {"override": True}
    custom = {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    return cloudfront.CfnResponseHeadersPolicy(
        stack,
        "SecurityHeaders",
        response_headers_policy_config={
            "name": stack.sub("${Prefix}-site"),
            "securityHeadersConfig": {
                "contentSecurityPolicy": {"contentSecurityPolicy": policy, **override},
                "contentTypeOptions": override,
                "frameOptions": {"frameOption": "DENY", **override},
                "referrerPolicy": {"referrerPolicy": "no-referrer", **override},
                "strictTransportSecurity": {"accessControlMaxAgeSec": YEARS_2, "includeSubdomains": True, **override},
            },
            "customHeadersConfig": {"items": [{"header": name, "value": value, **override} for name, value in custom.items()]},
        },
    )


def log_bucket(stack: Stack) -> tuple[s3.CfnBucket, s3.CfnBucketPolicy]:
    """CloudFront writes its logs as the owner of objects in a bucket that takes access lists; no other bucket here does. It gives itself
    that right, which S3 refuses while the policy is being written."""
    bucket = s3.CfnBucket(
        stack,
        "CdnLogsBucket",
        bucket_name=stack.sub("${Prefix}-cdn-logs"),
        bucket_encryption=ENCRYPTED,
        public_access_block_configuration=PRIVATE,
        ownership_controls={"rules": [{"objectOwnership": "BucketOwnerPreferred"}]},
        lifecycle_configuration={"rules": [{"id": "old", "status": "Enabled", "expirationInDays": LOG_DAYS}]},
    )
    keep(bucket)
    return bucket, bucket_policy(stack, bucket, "CdnLogsBucketPolicy")
