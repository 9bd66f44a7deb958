// The pages as they should look: each over a made-up estate at a fixed moment, wide and narrow, light and dark, beside its last picture in
// gallery/. `npm run gallery` takes them anew; look at each that changed before it is committed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

import { expect, test as base } from "@playwright/test";

const ROOT = resolve(__dirname, "..");
/** A Thursday, at which the clock of the pages stands still: ages and times of day on them come from it. */
const MOMENT = "2026-01-15 09:30:00";
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const SCHEMES = ["light", "dark"] as const;

const ESTATES = {
  trouble: {
    health: "/admin/db-health",
    registry: "/admin/registry",
    target: "/admin/targets/findawise",
    "target away": "/admin/targets/ledger-prod",
    sessions: "/admin/targets/findawise/sessions",
    tables: "/admin/targets/findawise/tables",
    "tables by schema": "/admin/targets/findawise/tables?group=schema",
    table: "/admin/targets/findawise/tables/findawise/core/accounts",
    "not found": "/admin/targets/nowhere-at-all",
    compliance: "/admin/compliance",
    framework: "/admin/compliance/frameworks/gdpr",
    controls: "/admin/compliance/controls",
    control: "/admin/compliance/controls/AUTHZ-01",
    changes: "/admin/compliance/changes",
    backups: "/admin/backups",
    account: "/admin/account",
    "account token": "/admin/account?flash=token",
    accounts: "/admin/accounts",
    audit: "/admin/audit",
    access: "/admin/access",
    "sign in": "/sign-in",
    "sign in refused": "/sign-in?refused",
    invitation: "/accept/invite",
    parts: "/admin/gallery",
  },
  calm: { health: "/admin/db-health", backups: "/admin/backups" },
  empty: { health: "/admin/db-health", backups: "/admin/backups", compliance: "/admin/compliance", registry: "/admin/registry", audit: "/admin/audit" },
} as const;

/** A server of the made-up estate, for which it is always the same moment. */
class Preview {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(scenario: string): Promise<Preview> {
    const reeve = process.env.REEVE_BIN ?? resolve(ROOT, "target/debug/reeve");
    const program = resolve(reeve, "../examples/preview");
    const child = spawn("faketime", ["--exclude-monotonic", "-f", MOMENT, program, "127.0.0.1:0", scenario], {
      cwd: ROOT,
      env: { ...process.env, TZ: "UTC" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const failed = once(child, "error").then(([error]) => Promise.reject(error));
    for await (const line of createInterface(child.stdout)) {
      const [, url] = /^preview at (\S+)$/.exec(line) ?? [];
      if (url) return new Preview(child, url);
    }
    return failed;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.kill();
    await ended;
  }
}

const test = base.extend<object, { previews: Map<string, Preview> }>({
  previews: [
    async ({}, use) => {
      const previews = new Map<string, Preview>();
      for (const scenario of Object.keys(ESTATES)) previews.set(scenario, await Preview.start(scenario));
      await use(previews);
      for (const preview of previews.values()) await preview.stop();
    },
    { scope: "worker" },
  ],
});

test.use({ javaScriptEnabled: false, bypassCSP: true, deviceScaleFactor: 0.5 });

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of SCHEMES) {
    test.describe(`${size} ${colorScheme}`, () => {
      test.use({ viewport, colorScheme });

      for (const [scenario, pages] of Object.entries(ESTATES)) {
        for (const [name, path] of Object.entries(pages)) {
          test(`${scenario}: ${name}`, async ({ page, previews }) => {
            await page.goto(`${previews.get(scenario)?.url}${path}`);
            const picture = `${scenario} ${name} ${size} ${colorScheme}.png`.replaceAll(" ", "-");
            await expect(page).toHaveScreenshot(picture, { fullPage: true });
          });
        }
      }
    });
  }
}
