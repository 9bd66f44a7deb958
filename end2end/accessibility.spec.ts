// WCAG 2.2 AA, as far as a program can tell: axe's rules on every page in both themes.
import type { Page } from "@playwright/test";

import { expect, PAGES, test } from "./support/test";

// Only here: axe is put into the page by script, which the pages' own policy rightly refuses.
test.use({ bypassCSP: true });

const AXE = require.resolve("axe-core/axe.min.js");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface Finding {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary: string }[];
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const [name, path] of Object.entries(PAGES)) {
    test(`${name} in ${colorScheme} colours breaks no rule @script`, ({ page }) => judge(page, path, colorScheme));
  }

  test.describe("signed out", () => {
    test.use({ signedIn: false });
    test(`sign-in in ${colorScheme} colours breaks no rule @script`, ({ page }) => judge(page, "/sign-in", colorScheme));
  });
}

async function judge(page: Page, path: string, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.goto(path);
  await page.addScriptTag({ path: AXE });
  const findings = await page.evaluate(async (values) => {
    const { axe } = window as unknown as { axe: { run(context: Document, options: object): Promise<{ violations: Finding[] }> } };
    return (await axe.run(document, { runOnly: { type: "tag", values } })).violations;
  }, RULES);
  const lines = findings.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.length}, first ${nodes[0]?.target.join(" ")}: ${nodes[0]?.failureSummary})`);
  expect(lines).toEqual([]);
}
