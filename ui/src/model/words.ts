/** Every event, message, entry and command in words: one sentence each, in the field's own terms. */
export * from "./words/answer";
export * from "./words/event";
export * from "./words/fault";
export * from "./words/message";
export * from "./words/names";
export * from "./words/region";
export * from "./words/request";
export * from "./words/verdict";
export * from "./words/workload";
