import { ConfigError, describeProblem, loadConfig, type Sources } from "../config/load.ts";
import { configYaml, withoutSecrets } from "../config/show.ts";

/** `wireyard config print`: the configuration as it counts, without its secrets. @throws {ConfigError} */
export function printConfig(sources: Sources, { json }: { json?: boolean }): void {
  const loaded = loadConfig(sources);
  process.stdout.write(
    json ? `${JSON.stringify(withoutSecrets(loaded.config), null, 2)}\n` : configYaml(loaded),
  );
}

/** `wireyard config check`: tells every problem, a line each. */
export function checkConfig(sources: Sources, { json }: { json?: boolean }): void {
  let problems: ConfigError["problems"] = [];
  try {
    loadConfig(sources);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems = error.problems;
  }
  const ok = problems.length === 0;
  if (!ok) process.exitCode = 1;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok, problems })}\n`);
    return;
  }
  for (const problem of problems) process.stderr.write(`wireyard: ${describeProblem(problem)}\n`);
  if (ok) process.stdout.write("The configuration is good.\n");
}
