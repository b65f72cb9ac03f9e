// Reads vitest's JSON report and tells which tests failed, or passed at the second try alone, and why, a few lines each:
// what a reader of a long log wants to see first.
//
//   node .ci/unsteady-and-failed.mjs REPORT

import fs from "node:fs";
import path from "node:path";

const LINES_OF_EACH = 12;

const { testResults } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
for (const { name, message, assertionResults } of testResults) {
  const file = path.relative(process.cwd(), name);
  // A file that cannot be loaded, or whose hooks fail, has a message of its own.
  if (message && assertionResults.every(({ status }) => status !== "failed")) print("FAILED", file, message);
  for (const { fullName, status, failureMessages } of assertionResults) {
    if (failureMessages.length === 0) continue;
    print(status === "passed" ? "unsteady" : "FAILED", `${file}: ${fullName}`, failureMessages.join("\n"));
  }
}

function print(verdict, title, text) {
  console.log(`${verdict}  ${title}\n${text.split("\n").slice(0, LINES_OF_EACH).join("\n")}\n`);
}
