/** The contract suites: what every account store and every back plane must do, as plain cases for any test runner. */
export { accountStoreCases } from "./testing/account-store-cases.ts";
export { backplaneCases } from "./testing/backplane-cases.ts";
export type { Case } from "./testing/case.ts";
