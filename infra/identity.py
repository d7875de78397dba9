"""Identity: user pools in both regions in which only an administrator creates users, and the functions that carry them across.

`profile`, as in the guide: two pools; profiles, groups and changes are carried, passwords are not. `native`: one pool that Cognito
itself replicates, with passwords and sessions.
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lam
from aws_cdk import aws_sqs as sqs

from infra.key_value_store import USERS
from infra.lambdas.user_importer import MARK
from infra.routing import STATES, table_arn
from infra.stack import Stack, allow, function, invocable, keep, only_if, policy
from multiregion.api.identity_operations import KNOWN_ATTRIBUTES, OWN_ATTRIBUTES
from multiregion.config import PASSWORD_CHARACTERS_MIN, Settings

OPERATORS = "operators"
SWEEP = "rate(5 minutes)"
FAILURES = "UserImporterFailures"
FAILURE_SECONDS = 14 * 86_400
INVITATION = {
    "emailSubject": "Your account",
    "emailMessage": "Your user name is {username} and your temporary password is {####}. Sign in at ${Site} once within {days} days,"
    " and choose your own.",
    "smsMessage": "{username}, your temporary password for ${Site} is {####}",
}


def pool_properties(stack: Stack, site: str) -> dict[str, Any]:
    """What is the same for every pool: nobody signs up, passwords and names are what they are on one's own machines, and addresses are
    verified. `site` is the address in the invitation, as text for `Fn::Sub`."""
    days = Settings().temporary_password_days
    kinds = dict.fromkeys(("requireLowercase", "requireUppercase", "requireNumbers", "requireSymbols"), False)
    password = {"minimumLength": PASSWORD_CHARACTERS_MIN, **kinds, "temporaryPasswordValidityDays": days}
    words = {name: text.replace("${Site}", site).replace("{days}", str(days)) for name, text in INVITATION.items()}
    invitation = {name: stack.sub(text) if site in text else text for name, text in words.items()}
    return {
        "admin_create_user_config": {"allowAdminCreateUserOnly": True, "inviteMessageTemplate": invitation},
        "policies": {"passwordPolicy": password},
        "auto_verified_attributes": ["email"],
        "account_recovery_setting": {"recoveryMechanisms": [{"name": "verified_email", "priority": 1}]},
        "username_configuration": {"caseSensitive": False},
        "user_pool_tier": "ESSENTIALS",
    }


def client(stack: Stack, pool_id: str) -> cognito.CfnUserPoolClient:
    """The web application. Who is signed in may change what the profile page changes, and not the mark that the importer keeps."""
    return cognito.CfnUserPoolClient(
        stack,
        "UserPoolClient",
        user_pool_id=pool_id,
        client_name="web",
        generate_secret=False,
        explicit_auth_flows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        read_attributes=sorted(KNOWN_ATTRIBUTES),
        write_attributes=sorted(OWN_ATTRIBUTES),
        prevent_user_existence_errors="ENABLED",
        enable_token_revocation=True,
        id_token_validity=60,
        access_token_validity=60,
        refresh_token_validity=30,
        token_validity_units={"idToken": "minutes", "accessToken": "minutes", "refreshToken": "days"},
    )


def administrator(stack: Stack, pool_id: str) -> list[cdk.CfnResource]:
    """Invited by e-mail, and an operator of the application."""
    attributes = [
        {"name": "email", "value": stack.sub("${AdminEmail}")},
        {"name": "email_verified", "value": "true"},
        {"name": "phone_number", "value": stack.sub("${AdminPhone}")},
    ]
    admin = cognito.CfnUserPoolUser(
        stack,
        "Administrator",
        user_pool_id=pool_id,
        username=stack.sub("${AdminName}"),
        desired_delivery_mediums=["EMAIL"],
        user_attributes=attributes,
    )
    group = cognito.CfnUserPoolGroup(
        stack, "Operators", user_pool_id=pool_id, group_name=OPERATORS, description="May delete what others have uploaded"
    )
    member = cognito.CfnUserPoolUserToGroupAttachment(
        stack, "AdministratorIsOperator", user_pool_id=pool_id, group_name=OPERATORS, username=admin.ref
    )
    member.add_resource_dependency(group)
    return [admin, group, member]


def identity(stack: Stack, in_primary: cdk.CfnCondition) -> None:
    """One region's part. With `native` there is nothing here but the name of the pool that the hub made."""
    own = stack.condition("OwnPool", stack.sub("${UserReplication}"), "profile")
    first = stack.both("OwnPoolInPrimary", own, in_primary)
    second = stack.both("OwnPoolInSecondary", own, negated(in_primary))
    exporter, guard = user_exporter(stack, first), user_guard(stack, second)
    triggers = {
        "Fn::If": [
            in_primary.logical_id,
            {"PostAuthentication": stack.resolve(exporter.attr_arn)},
            {"PreSignUp": stack.resolve(guard.attr_arn), "PreAuthentication": stack.resolve(guard.attr_arn)},
        ]
    }
    pool = user_pool(stack, triggers)
    application = client(stack, pool.ref)
    only_if(own, pool, application)
    only_if(first, *administrator(stack, pool.ref))
    invocable(stack, "PoolInvokesExporter", exporter.attr_arn, "cognito-idp.amazonaws.com", pool.attr_arn, first)
    invocable(stack, "PoolInvokesGuard", guard.attr_arn, "cognito-idp.amazonaws.com", pool.attr_arn, second)
    replica_configuration(stack, own, in_primary)
    export_regularly(stack, exporter, pool, first)
    import_regularly(stack, pool, second)
    native = stack.sub("arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${UserPoolId}")
    arn = cdk.Fn.condition_if(own.logical_id, pool.attr_arn, native).to_string()
    stack.output("UserPoolArn", arn, export=stack.sub("${Prefix}-UserPoolArn"))
    stack.output("UserPoolId", cdk.Fn.condition_if(own.logical_id, pool.ref, stack.sub("${UserPoolId}")).to_string())
    chosen = cdk.Fn.condition_if(own.logical_id, application.ref, stack.sub("${UserPoolClientId}"))
    stack.output("UserPoolClientId", chosen.to_string())


def replica_configuration(stack: Stack, own: cdk.CfnCondition, in_primary: cdk.CfnCondition) -> None:
    """A replica that Cognito has made serves nobody until it is made active where it is."""
    active = cognito.CfnUserPoolRegionalConfigurationAttachment(
        stack, "ReplicaConfiguration", user_pool_id=stack.sub("${UserPoolId}"), status="ACTIVE"
    )
    only_if(stack.both("ReplicatedPoolInSecondary", negated(own), negated(in_primary)), active)


def negated(condition: Any) -> Any:
    return cdk.Fn.condition_not(condition)


def user_pool(stack: Stack, triggers: dict[str, Any]) -> cognito.CfnUserPool:
    name = MARK.removeprefix("custom:")
    mark = {"name": name, "attributeDataType": "String", "mutable": True, "stringAttributeConstraints": {"maxLength": "64"}}
    pool = cognito.CfnUserPool(
        stack,
        "UserPool",
        user_pool_name=stack.sub("${Prefix}-users"),
        schema=[mark],
        **pool_properties(stack, "${AllowedOrigin}"),
    )
    keep(pool)
    pool.add_property_override("LambdaConfig", triggers)
    return pool


def user_exporter(stack: Stack, condition: cdk.CfnCondition) -> Any:
    environment = {
        "USERS_TABLE": stack.sub(f"${{Prefix}}-{USERS}"),
        "STATE_TABLE": stack.sub(f"${{Prefix}}-{STATES}"),
        "APP_ID": stack.sub("${AppId}"),
    }
    statements = [
        allow(["dynamodb:Scan", "dynamodb:PutItem"], table_arn(stack, USERS)),
        allow(["dynamodb:GetItem", "dynamodb:ConditionCheckItem"], table_arn(stack, STATES)),
    ]
    told = "After each sign-in, and every five minutes: profiles of users into the users table"
    return function(
        stack,
        "UserExporter",
        "user_exporter",
        told,
        environment=environment,
        statements=statements,
        seconds=300,
        condition=condition,
    )


def user_guard(stack: Stack, condition: cdk.CfnCondition) -> Any:
    return function(
        stack,
        "UserGuard",
        "user_guard",
        "Before sign-up and sign-in: only users that were created in the primary region",
        environment={"USERS_TABLE": stack.sub(f"${{Prefix}}-{USERS}")},
        statements=[allow("dynamodb:GetItem", table_arn(stack, USERS))],
        seconds=5,
        condition=condition,
    )


def export_regularly(stack: Stack, exporter: Any, pool: cognito.CfnUserPool, condition: cdk.CfnCondition) -> None:
    """The exporter is a trigger of the pool, so it cannot name the pool itself: its right to read it, and the name, come from here."""
    reading = ["cognito-idp:ListUsers", "cognito-idp:ListGroups", "cognito-idp:ListUsersInGroup", "cognito-idp:AdminListGroupsForUser"]
    rights = iam.CfnRolePolicy(
        stack,
        "UserExporterReadsPool",
        role_name=stack.sub("${UserExporterRole}"),
        policy_name="ReadsPool",
        policy_document=policy(allow(reading, pool.attr_arn)),
    )
    only_if(condition, rights)
    event = cdk.Fn.sub('{"userPoolId": "${UserPool}"}')
    schedule(stack, "UserExport", exporter, condition, event)


def import_regularly(stack: Stack, pool: cognito.CfnUserPool, condition: cdk.CfnCondition) -> None:
    """The stream of the table is tied to the importer by the finalizer: a template does not know a replica's stream."""
    failures = failure_queue(stack, FAILURES, condition)
    environment = {"USERS_TABLE": stack.sub(f"${{Prefix}}-{USERS}"), "USER_POOL_ID": pool.ref, "PREFIX": stack.sub("${Prefix}")}
    writing = ["AdminCreateUser", "AdminGetUser", "AdminUpdateUserAttributes", "AdminSetUserPassword", "ListUsers", "CreateGroup"]
    enabling = ["AdminEnableUser", "AdminDisableUser"]
    grouping = ["AdminListGroupsForUser", "AdminAddUserToGroup", "AdminRemoveUserFromGroup"]
    stream = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    statements = [
        allow(["dynamodb:Scan", "dynamodb:PutItem"], table_arn(stack, USERS)),
        allow(stream, table_arn(stack, f"{USERS}/stream/*")),
        allow("dynamodb:ListStreams", "*"),
        allow([f"cognito-idp:{action}" for action in (*writing, *enabling, *grouping)], pool.attr_arn),
        allow("sqs:SendMessage", failures.attr_arn),
    ]
    importer = function(
        stack,
        "UserImporter",
        "user_importer",
        "From the users table into this region's pool",
        environment=environment,
        statements=statements,
        seconds=300,
        condition=condition,
    )
    schedule(stack, "UserImport", importer, condition)
    stack.output(FAILURES, failures.attr_arn, "What the importer was told and could not do", condition=condition)


def importer_given_up(stack: Stack, condition: cdk.CfnCondition) -> None:
    """Where a sweep goes that has failed too often. In a later layer than the function: Lambda refuses a queue that the function's role may
    not write to, and does not know the rights of a new role at once."""
    queue = stack.sub(f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:${{Prefix}}-{FAILURES}")
    given_up = lam.CfnEventInvokeConfig(
        stack,
        "UserImporterGivenUp",
        function_name=stack.sub("${Prefix}-UserImporter"),
        qualifier="$LATEST",
        destination_config={"onFailure": {"destination": queue}},
    )
    only_if(condition, given_up)


def failure_queue(stack: Stack, name: str, condition: cdk.CfnCondition) -> sqs.CfnQueue:
    """Where Lambda puts what a function has failed at too often."""
    queue = sqs.CfnQueue(
        stack, name, queue_name=stack.sub(f"${{Prefix}}-{name}"), sqs_managed_sse_enabled=True, message_retention_period=FAILURE_SECONDS
    )
    clear = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": queue.attr_arn}
    document = policy({**clear, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    only_if(condition, queue, sqs.CfnQueuePolicy(stack, f"{name}Policy", queues=[queue.ref], policy_document=document))
    return queue


def schedule(stack: Stack, name: str, target: Any, condition: cdk.CfnCondition, event: str | None = None) -> None:
    rule = events.CfnRule(
        stack,
        name,
        name=stack.sub(f"${{Prefix}}-{name}"),
        schedule_expression=SWEEP,
        state="ENABLED",
        targets=[{"id": "function", "arn": target.attr_arn, **({"input": event} if event else {})}],
    )
    only_if(condition, rule)
    invocable(stack, f"{name}Invokes", target.attr_arn, "events.amazonaws.com", rule.attr_arn, condition)
