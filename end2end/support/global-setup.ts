// Before the first test: a running Reeve whose first rounds are through, and a session to use.
import { chromium as browsers, request } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { chromium } from "./chromium";
import { EMAIL, PASSWORD, Reeve } from "./reeve";

const SESSION = resolve(__dirname, "..", process.env.REEVE_BROWSER_OUTPUT ?? "test-results", ".session.json");
const FIRST_ROUNDS_MS = 120_000;

/** With REEVE_URL set (and REEVE_ADMIN_EMAIL, REEVE_ADMIN_PASSWORD), tests use a Reeve that runs already. */
export default async function setUp(): Promise<() => Promise<void>> {
  const reeve = process.env.REEVE_URL ? undefined : await Reeve.start();
  try {
    const email = (process.env.REEVE_TEST_EMAIL = reeve ? EMAIL : (process.env.REEVE_ADMIN_EMAIL ?? EMAIL));
    const password = (process.env.REEVE_TEST_PASSWORD = reeve ? PASSWORD : (process.env.REEVE_ADMIN_PASSWORD ?? PASSWORD));
    const url = (process.env.REEVE_URL = reeve?.url ?? process.env.REEVE_URL ?? "");
    if (reeve) process.env.REEVE_TEST_DATA_DIR = reeve.dataDir;
    await firstRounds(url, email, password);
    await signIn(url, email, password);
    process.env.REEVE_TEST_SESSION = SESSION;
  } catch (error) {
    await reeve?.stop();
    throw error;
  }
  return async () => reeve?.stop();
}

/** Until every target has been looked at and its tables are known. */
async function firstRounds(url: string, email: string, password: string): Promise<void> {
  const api = await request.newContext({ baseURL: url });
  const login = await api.post("/api/auth/login", { data: { email, password } });
  if (!login.ok()) throw new Error(`signing in as ${email} was answered with ${login.status()}: ${await login.text()}`);
  const headers = { authorization: `Bearer ${((await login.json()) as { access_token: string }).access_token}` };
  const until = Date.now() + FIRST_ROUNDS_MS;
  for (;;) {
    const targets = (await (await api.get("/api/targets", { headers })).json()) as { items: { name: string; status: string }[] };
    const tables = await Promise.all(targets.items.map(({ name }) => api.get(`/api/targets/${name}/tables?limit=1`, { headers })));
    const lists = await Promise.all(tables.map(async (answer) => (answer.ok() ? ((await answer.json()) as { items: unknown[] }).items : [])));
    if (lists.length > 0 && lists.every((list) => list.length > 0) && targets.items.every(({ status }) => status !== "unknown")) break;
    if (Date.now() > until) throw new Error(`the first rounds took over ${FIRST_ROUNDS_MS / 1000} s: ${JSON.stringify(targets)}`);
    await new Promise((next) => setTimeout(next, 500));
  }
  await api.dispose();
}

async function signIn(url: string, email: string, password: string): Promise<void> {
  mkdirSync(dirname(SESSION), { recursive: true });
  const browser = await browsers.launch(chromium);
  const page = await browser.newPage({ baseURL: url, javaScriptEnabled: false });
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/admin/db-health");
  await page.context().storageState({ path: SESSION });
  await browser.close();
}
