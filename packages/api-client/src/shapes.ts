// The shapes that settings and administration pages exchange with the server, as the routes give them.

export type Permission =
  | "chats:read" | "chats:write" | "models:use" | "account:read" | "account:write" | "account:security" | "keys:manage"
  | "usage:read" | "people:manage" | "roles:manage" | "providers:manage" | "usage:manage" | "instance:manage";

export type ThemeChoice = "light" | "dark" | "system";
export type Accent = "azurite" | "moss" | "plum" | "rust" | "graphite";
export type LanguageChoice = "en" | "ro" | "system";
export type Registration = "open" | "invite" | "closed";

export interface Me {
  id: string;
  name: string;
  email: string;
  role: string;
  language: LanguageChoice;
  theme: ThemeChoice;
  accent: Accent;
  version: number;
  created_at: string;
  deletes_at?: string | null;
}
export type MePatch = Partial<Pick<Me, "name" | "language" | "theme" | "accent">>;

/** Who is signed in, as the session tells it. */
export interface StandingUser {
  id: string;
  name: string;
  email: string;
  role: string;
  permissions?: string[];
  language?: LanguageChoice;
  theme?: ThemeChoice;
  accent?: Accent;
  deletes_at?: string | null;
}

export interface Standing {
  state: "setup" | "signed_out" | "signed_in";
  instance: { name: string; version: string; accent?: Accent; greeting?: string | null };
  registration?: Registration;
  mail?: boolean;
  user?: StandingUser | null;
}

export interface Instructions {
  enabled: boolean;
  nickname: string;
  occupation: string;
  about: string;
  style: string;
  version: number;
}

export interface Device {
  id: string;
  device: string;
  address: string | null;
  created_at: string;
  seen_at: string;
  current: boolean;
  online: boolean;
}

export interface Key {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  last_used_at?: string | null;
  expires_at?: string | null;
}

export const NOTICE_KINDS = ["reply_finished", "new_device", "cap_reached", "invitation", "export_ready"] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];
export interface NoticePreferences {
  version: number;
  kinds: Record<NoticeKind, { app: boolean; mail: boolean }>;
}

export interface Notice {
  id: string;
  kind: string;
  data: Record<string, unknown>;
  at: string;
  read_at?: string | null;
}
export interface NoticePage {
  notices: Notice[];
  unread: number;
  next?: string | null;
}

export interface UsageDay {
  day: string;
  model?: string | null;
  requests: number;
  input_tokens: number;
  output_tokens: number;
  cost: number;
}
export type UsageTotals = Omit<UsageDay, "day" | "model">;
export interface Usage {
  days: UsageDay[];
  totals: UsageTotals;
}
export interface Spent {
  used: number;
  cap?: number | null;
}
export interface OwnLimits {
  resets_at: string;
  tokens: Spent;
  cost: Spent;
}

export type JobState = "queued" | "running" | "ready" | "failed" | "done" | "complete";
export interface Export {
  id: string;
  state: JobState;
  created_at: string;
  expires_at?: string | null;
  size?: number | null;
}
export interface Import {
  id: string;
  state: JobState;
  source?: string | null;
  chats: number;
  messages: number;
  problems: { what: string; why: string }[];
  created_at: string;
}

export interface Account {
  id: string;
  name: string;
  email: string;
  role: string;
  state: "active" | "disabled" | "leaving";
  version: number;
  created_at: string;
  seen_at?: string | null;
  deletes_at?: string | null;
}
export interface People {
  people: Account[];
  next?: string | null;
}
export interface RoleInfo {
  name: string;
  label: string;
  permissions: string[];
  builtin: boolean;
  version: number;
}
export interface Invitation {
  id: string;
  email?: string | null;
  role: string;
  created_by?: string | null;
  created_at: string;
  expires_at: string;
  accepted_at?: string | null;
  state: "open" | "accepted" | "expired" | "revoked";
}
export interface InvitationLook {
  email?: string | null;
  name?: string | null;
  role: string;
  instance: string;
  expires_at: string;
}

export type ProviderKind = "openai" | "anthropic" | "ollama";
export interface Provider {
  id: string;
  kind: ProviderKind;
  name: string;
  base_url: string;
  has_key: boolean;
  key_hint?: string | null;
  enabled: boolean;
  place: "server" | "outside";
  source: "stored" | "configuration";
  state: "answers" | "silent" | "off";
  detail?: string | null;
  models: number;
  first_byte_seconds?: number | null;
  version: number;
}
export interface ProviderTest {
  ok: boolean;
  models: string[];
  detail?: string | null;
  took_ms: number;
}
export interface AdminModel {
  id: string;
  name: string;
  display_name?: string | null;
  provider: string;
  /** `embedding` models answer programs only. */
  purpose?: string;
  enabled: boolean;
  position?: number | null;
  roles?: string[] | null;
  context_window?: number | null;
  price_input?: number | null;
  price_output?: number | null;
  default: boolean;
  version: number;
}
export interface Limits {
  version: number;
  person_tokens?: number | null;
  person_cost?: number | null;
  instance_tokens?: number | null;
  instance_cost?: number | null;
}
export interface PersonLimits {
  tokens?: number | null;
  cost?: number | null;
  version: number;
}
export interface UsageRow extends UsageTotals {
  day?: string | null;
  model?: string | null;
  person?: { id: string; name: string } | null;
}
export interface AdminUsage {
  rows: UsageRow[];
  totals: UsageTotals;
  active_people: number;
}
export interface Instance {
  name: string;
  accent: Accent;
  greeting?: string | null;
  registration: Registration;
  version: number;
}
export interface MailState {
  configured: boolean;
  host?: string | null;
  from?: string | null;
}
export interface Health {
  version: string;
  started_at: string;
  services: { name: string; ready: boolean; detail?: string | null }[];
  database: { bytes: number; wal_bytes: number };
  disk: { free: number; total: number };
  memory: number;
  lag: { group: string; topic: string; behind: number; buried: number }[];
  last_backup?: string | null;
  warnings: string[];
}
