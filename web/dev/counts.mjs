// The last line of a test run, as of the other suites: "N passed, N failed; N passed on a second try", and which ones these were.
export default class Counts {
  passed = 0;
  failed = 0;
  again = [];

  onTestCaseResult(test) {
    const { state } = test.result();
    if (state === 'failed') this.failed++;
    if (state !== 'passed') return;
    this.passed++;
    const { flaky, retryCount } = test.diagnostic() ?? {};
    if (flaky || retryCount > 0) this.again.push(`${test.module.moduleId.replace(`${process.cwd()}/`, '')} > ${test.fullName}`);
  }

  onTestRunEnd() {
    for (const name of this.again) console.log(`once more: ${name}`);
    console.log(`${this.passed} passed, ${this.failed} failed; ${this.again.length} passed on a second try`);
  }
}
