// One user's session with AWS Amplify, unmodified: argument 1 is web/package.json (whose aws-amplify is used), 2 is JSON with
// both regions' endpoints, pools, the client, a name, a temporary and a new password. Prints what Amplify made of it.
import { createRequire } from "node:module";

const require = createRequire(process.argv[2]);
const { Amplify } = require("aws-amplify");
const auth = require("aws-amplify/auth");
const { cognitoUserPoolsTokenProvider } = require("aws-amplify/auth/cognito");

const given = JSON.parse(process.argv[3]);
const kept = new Map();
const storage = {
  setItem: async (key, value) => void kept.set(key, value),
  getItem: async (key) => kept.get(key) ?? null,
  removeItem: async (key) => void kept.delete(key),
  clear: async () => kept.clear(),
};

function moveTo(region) {
  Amplify.configure({
    Auth: {
      Cognito: { userPoolId: region.userPoolId, userPoolClientId: given.clientId, userPoolEndpoint: region.url },
    },
  });
  cognitoUserPoolsTokenProvider.setKeyValueStorage(storage);
}

async function refusal(attempt) {
  try {
    await attempt();
    return null;
  } catch (error) {
    return { name: error.name, message: error.message };
  }
}

const options = { authFlowType: "USER_PASSWORD_AUTH" };
moveTo(given.primary);
const wrong = await refusal(() => auth.signIn({ username: given.username, password: "wrong password", options }));
const invited = await auth.signIn({ username: given.username, password: given.temporaryPassword, options });
const weak = await refusal(() => auth.confirmSignIn({ challengeResponse: "short" }));
const confirmed = await auth.confirmSignIn({ challengeResponse: given.newPassword });
const attributes = await auth.fetchUserAttributes();
const first = (await auth.fetchAuthSession()).tokens;

await fetch(`${given.primary.url}replicate`, { method: "POST" });
moveTo(given.secondary);
const second = (await auth.fetchAuthSession({ forceRefresh: true })).tokens;
const current = await auth.getCurrentUser();

moveTo(given.primary);
const refreshToken = [...kept].find(([key]) => key.endsWith(".refreshToken"))[1];
await auth.signOut();
const afterwards = (await auth.fetchAuthSession()).tokens ?? null;

console.log(
  JSON.stringify({
    wrong,
    step: invited.nextStep.signInStep,
    weak,
    confirmed: confirmed.isSignedIn,
    email: attributes.email,
    issuers: [first, second].map((tokens) => tokens.idToken.payload.iss),
    idToken: second.idToken.toString(),
    username: current.username,
    refreshToken,
    afterwards,
  }),
);
