// Reads vitest's JSON report. Fails where a test was skipped or left as a to-do: for want of a service, say, which CI
// has to bring. Leaves the numbers of passed and failed tests for `run`.
//
//   node .ci/test-counts.mjs REPORT COUNTS

import fs from "node:fs";

const [report, counts] = process.argv.slice(2);
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
  fs.readFileSync(report, "utf8"),
);
fs.writeFileSync(counts, `${numPassedTests} ${numFailedTests}\n`);

const leftOut = testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status !== "passed" && status !== "failed")
    .map(({ status, fullName }) => `${name}: ${fullName} (${status})`),
);
for (const line of leftOut) console.error(line);
if (numPassedTests === 0) console.error("no test ran");
process.exitCode = leftOut.length + numPendingTests + numTodoTests > 0 || numPassedTests === 0 ? 1 : 0;
