// The few words the view says itself. The application gives them in its language.
import { createContext } from "react";

export interface Labels {
  /** Button of a code block. */
  readonly copy: string;
  /** The same button for two seconds after it worked. */
  readonly copied: string;
  /** The same button when the browser refused. */
  readonly copyFailed: string;
  /** Head of a code block without a language. */
  readonly code: string;
  /** Accessible name of a table that scrolls. */
  readonly table: string;
  /** Before the description of an image, which is never loaded. */
  readonly image: string;
  /** Accessible names of task boxes; the task's words follow. */
  readonly taskDone: string;
  readonly taskOpen: string;
}

export const ENGLISH: Labels = {
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Not copied",
  code: "Code",
  table: "Table",
  image: "Image",
  taskDone: "Done",
  taskOpen: "To do",
};

export const LabelsContext = createContext<Labels>(ENGLISH);
