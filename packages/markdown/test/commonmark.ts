// The examples of the CommonMark specification 0.31.2, from the package its authors publish.
import { createRequire } from "node:module";

interface SpecTest {
  readonly markdown: string;
  readonly html: string;
  readonly section: string;
  readonly number: number;
}

export const { tests } = createRequire(import.meta.url)("commonmark-spec") as { tests: readonly SpecTest[] };
