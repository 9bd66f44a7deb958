// What every spec starts from: signed in, at the running Reeve, and with nothing wrong on the browser's console.
import { test as base, expect, type Page } from "@playwright/test";

interface Options {
  /** Whether the test starts with a session. */
  signedIn: boolean;
  /** Whether answers of 4xx and 5xx belong to the test; the browser writes each to its console. */
  refusals: boolean;
}

export const test = base.extend<Options & { quiet: void }>({
  signedIn: [true, { option: true }],
  refusals: [false, { option: true }],
  baseURL: async ({}, use) => use(process.env.REEVE_URL),
  storageState: async ({ signedIn }, use) => use(signedIn ? process.env.REEVE_TEST_SESSION : undefined),
  quiet: [
    async ({ context, refusals }, use) => {
      const said: string[] = [];
      context.on("console", (message) => {
        const refusal = refusals && message.text().startsWith("Failed to load resource");
        if (message.type() === "error" && !refusal) said.push(message.text());
      });
      context.on("weberror", (error) => said.push(String(error.error())));
      await use();
      expect(said, "the browser's console").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** The sign-in that the running Reeve was made with. */
export const account = () => ({ email: process.env.REEVE_TEST_EMAIL ?? "", password: process.env.REEVE_TEST_PASSWORD ?? "" });

/** Fills in the form of /sign-in and sends it. */
export async function signIn(page: Page, { email, password } = account()): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Where there is no room for the side bar, it is in a menu. */
export async function openMenu(page: Page): Promise<void> {
  const menu = page.locator("details.menu > summary");
  if (await menu.isVisible()) await menu.click();
}

/** Loads a page again and again until it shows what it should: for what takes a round, and for pages that don't move by themselves. */
export async function eventually(page: Page, check: () => Promise<void>, timeout = 60_000): Promise<void> {
  await expect(async () => {
    await page.reload();
    await check();
  }).toPass({ timeout, intervals: [500, 1000, 2000] });
}

/** Every page with its address, for what must hold on all of them. */
export const PAGES = {
  "database health": "/admin/db-health",
  registry: "/admin/registry",
  target: "/admin/targets/findawise",
  sessions: "/admin/targets/findawise/sessions",
  tables: "/admin/targets/findawise/tables",
  "tables by schema": "/admin/targets/findawise/tables?group=schema",
  "no table matches": "/admin/targets/findawise/tables?search=no-such-table",
  table: "/admin/targets/findawise/tables/findawise/core/users",
  compliance: "/admin/compliance",
  "no finding matches": "/admin/compliance?text=no-such-thing",
  framework: "/admin/compliance/frameworks/gdpr",
  controls: "/admin/compliance/controls",
  control: "/admin/compliance/controls/AUTHZ-01",
  "control for a person": "/admin/compliance/controls/ENC-09",
  "what changed": "/admin/compliance/changes",
  // A fingerprint is the same for the same thing in every scan: log_connections of the sample estate.
  finding: "/admin/compliance/findings/findawise/398e9a49c48904aac1886fd8a5c9a66a",
  backups: "/admin/backups",
  account: "/admin/account",
  accounts: "/admin/accounts",
  "audit trail": "/admin/audit",
  access: "/admin/access",
  gallery: "/admin/gallery",
} as const;
