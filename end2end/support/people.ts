// Accounts of all roles, made as people make them: an admin invites, the invited follow their link.
import { type APIRequestContext, type Browser, type BrowserContext, request } from "@playwright/test";

import { account } from "./test";

export const NEW_PASSWORD = "a password of somebody else";

/** A browser that nobody is signed in in; without it a new one has what the test began with. */
export const NOBODY = { storageState: { cookies: [], origins: [] } };

/** A name that no other test has. */
export const stranger = (name: string) => `${name}-${Math.random().toString(36).slice(2, 10)}@example.org`;

/** Calls the API as the first admin. */
export async function asAdmin<T>(work: (api: APIRequestContext) => Promise<T>): Promise<T> {
  const open = await request.newContext({ baseURL: process.env.REEVE_URL });
  const { access_token } = (await (await open.post("/api/auth/login", { data: account() })).json()) as { access_token: string };
  const api = await request.newContext({ baseURL: process.env.REEVE_URL, extraHTTPHeaders: { authorization: `Bearer ${access_token}` } });
  try {
    return await work(api);
  } finally {
    await api.post("/api/auth/logout");
    await Promise.all([open.dispose(), api.dispose()]);
  }
}

/** The path of a link that makes an account with these roles. */
export const invite = (email: string, bindings: string[]) =>
  asAdmin(async (api) => {
    const answer = await api.post("/api/invites", { data: { email, bindings } });
    if (!answer.ok()) throw new Error(`inviting ${email} was answered with ${answer.status()}: ${await answer.text()}`);
    return ((await answer.json()) as { path: string }).path;
  });

export interface Person {
  email: string;
  context: BrowserContext;
}

/** Somebody with these roles, signed in in a browser of their own, with the settings of the test that asks. */
export async function person(browser: Browser, name: string, bindings: string[], like: { viewport: { width: number; height: number } | null; script: boolean }): Promise<Person> {
  const email = stranger(name);
  const path = await invite(email, bindings);
  const context = await browser.newContext({ ...NOBODY, baseURL: process.env.REEVE_URL, viewport: like.viewport, javaScriptEnabled: like.script });
  const form = { display_name: name, password: NEW_PASSWORD, repeat: NEW_PASSWORD };
  const accepted = await context.request.post(path, { form });
  if (!accepted.ok()) throw new Error(`accepting was answered with ${accepted.status()}: ${await accepted.text()}`);
  await context.request.post("/sign-in", { form: { email, password: NEW_PASSWORD } });
  return { email, context };
}
