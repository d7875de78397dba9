"""The resource types of API Gateway, and all APIs of all regions."""

from uuid import uuid4

from moto.cloudformation.models import cloudformation_backends

from tests.infra.cloud.functions import Functions
from tests.infra.cloud.gateway import Request, Response, RestApi
from tests.infra.cloud.integrations import Integrations, PoolAuthorizer
from tests.infra.cloud.principals import Denied, Principals
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType
from tests.infra.cloud.replication import ModelledTime
from tests.infra.cloud.timeline import too_early

MISSING = Response(403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}')


class Apis:
    """By id. A stage serves the body that was there when its deployment was made."""

    def __init__(self, principals: Principals, functions: Functions, clock: ModelledTime) -> None:
        self._principals, self._functions, self._clock = principals, functions, clock
        self.apis: dict[str, RestApi] = {}
        self._authorizer = PoolAuthorizer(clock)

    def add(self, api_id: str, properties: Properties, place: Place) -> None:
        self.apis[api_id] = RestApi(api_id, place.region, place.account, properties["Body"], self._clock)

    def answer(self, api_id: str, region: str, request: Request) -> Response:
        """`request.path` begins with the stage."""
        api = self.apis.get(api_id)
        stage, _, path = request.path.removeprefix("/").partition("/")
        if api is None or api.region != region or not api.stage or api.stage != stage:
            return MISSING
        inside = Request(request.method, f"/{path}", request.query, request.headers, request.body)
        return api.answer(inside, self._authorizer, Integrations(region, self._principals, self._functions))


class RestApis(ResourceType):
    type = "AWS::ApiGateway::RestApi"

    def __init__(self, apis: Apis) -> None:
        self._apis = apis

    def make(self, properties: Properties, place: Place) -> Made:
        api_id = uuid4().hex[:10]
        self._apis.add(api_id, properties, place)
        return Made(api_id, {"RestApiId": api_id, "RootResourceId": "root"})

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        stage, variables = self._apis.apis[made.id].stage, self._apis.apis[made.id].variables
        self._apis.add(made.id, properties, place)
        self._apis.apis[made.id].stage, self._apis.apis[made.id].variables = stage, variables
        return made

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        self._apis.apis.pop(made.id, None)


class Accounts(ResourceType):
    """The setting of an account in a region. API Gateway tries the role that it is given, which has to work by then."""

    type = "AWS::ApiGateway::Account"

    def __init__(self, principals: Principals) -> None:
        self._principals = principals

    def make(self, properties: Properties, place: Place) -> Made:
        stack = cloudformation_backends[place.account][place.region].get_stack(place.stack_id)
        try:
            self._principals.assume(properties["CloudWatchRoleArn"], "apigateway.amazonaws.com")
            early = too_early(stack.template_dict["Resources"], place.logical_id)
        except (Denied, KeyError):
            early = "unknown"
        if early:
            raise RuntimeError(f"The role ARN does not have required permissions configured. ({early})")
        return Made(place.name, {}, properties)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return Made(made.id, made.attributes, properties)


class Deployments(ResourceType):
    type = "AWS::ApiGateway::Deployment"

    def make(self, properties: Properties, place: Place) -> Made:
        return Made(f"d{place.logical_id[-9:]}", {"DeploymentId": f"d{place.logical_id[-9:]}"})

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return made


class Stages(ResourceType):
    type = "AWS::ApiGateway::Stage"

    def __init__(self, apis: Apis) -> None:
        self._apis = apis

    def make(self, properties: Properties, place: Place) -> Made:
        if not properties.get("DeploymentId"):
            raise ValueError("a stage without a deployment")
        api = self._apis.apis[properties["RestApiId"]]
        api.stage, api.variables = properties["StageName"], dict(properties.get("Variables", {}))
        return Made(properties["StageName"], {})

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return self.make(properties, place)
