// One `reeve demo` for all tests, in a folder of its own, on a port that the system chose.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const EMAIL = "tester@example.org";
export const PASSWORD = "correct horse battery staple";

/** The first start loads the sample estate. */
const START_MS = 240_000;
/** From SIGTERM to the end of the last PostgreSQL. */
const STOP_MS = 30_000;

export class Reeve {
  private constructor(
    readonly url: string,
    readonly dataDir: string,
    private readonly child: ChildProcess,
  ) {}

  /** Which systems of the sample estate: the others cost time, and most tests speak of one target. */
  static async start(systems = "findawise"): Promise<Reeve> {
    const program = resolve(__dirname, "..", process.env.REEVE_BIN ?? "../target/debug/reeve");
    // Under root PostgreSQL runs as another user, who must be able to pass through.
    const dataDir = mkdtempSync("/tmp/reeve-end2end-");
    chmodSync(dataDir, 0o711);
    // All tests come from one address, and make more accounts in a minute than a company does in a month.
    writeFileSync(join(dataDir, "reeve.toml"), "[limits]\ncredentials = { burst = 5000, per_minute = 5000 }\npages = { burst = 50000, per_minute = 600000 }\n");
    const child = spawn(program, ["demo"], {
      cwd: dataDir,
      env: {
        ...process.env,
        REEVE_LISTEN: "127.0.0.1:0",
        REEVE_DEMO_SYSTEMS: systems,
        REEVE_DATA_DIR: join(dataDir, "data"),
        REEVE_ADMIN_EMAIL: EMAIL,
        REEVE_ADMIN_PASSWORD: PASSWORD,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      const url = await ready(child);
      return new Reeve(url, join(dataDir, "data"), child);
    } catch (error) {
      child.kill("SIGTERM");
      throw error;
    }
  }

  /** Asks it to stop; fails when it does not, or when it says that something went wrong. */
  async stop(): Promise<void> {
    const ended = new Promise<string>((done) => this.child.once("exit", (code, signal) => done(code === 0 ? "" : `exit ${code ?? signal}`)));
    if (this.child.exitCode !== null) throw new Error(`reeve had ended by itself with code ${this.child.exitCode}`);
    this.child.kill("SIGTERM");
    const late = new Promise<string>((done) => setTimeout(() => done(`still running ${STOP_MS / 1000} s after SIGTERM`), STOP_MS).unref());
    const trouble = await Promise.race([ended, late]);
    if (trouble) {
      this.child.kill("SIGKILL");
      throw new Error(`reeve did not stop properly: ${trouble}`);
    }
    rmSync(resolve(this.dataDir, ".."), { recursive: true, force: true });
  }
}

/** Waits for the line that names the address. What else it prints is kept for the message, should it not come. */
function ready(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    let printed = "";
    const late = setTimeout(() => fail(new Error(`reeve was not ready after ${START_MS / 1000} s:\n${printed}`)), START_MS);
    const read = (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-20_000);
      const url = /Reeve is ready at (http:\/\/\S+)\n/.exec(printed)?.[1];
      if (url) {
        clearTimeout(late);
        done(url);
      }
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", (error) => fail(new Error(`reeve could not be started (${error.message}); build it with \`cargo build\``)));
    child.once("exit", (code) => fail(new Error(`reeve ended with code ${code} before it was ready:\n${printed}`)));
  });
}
