// The shapes that settings and administration pages exchange with the server, under the names the pages use. All of
// them come from the generated schema: what the server changes, the compiler finds here.
import type { components } from "./schema";

type Schemas = components["schemas"];
/** Fields that the schema calls a text, by the values its description gives them. */
type Narrowed<T, Values> = Omit<T, keyof Values> & Values;

export type Permission = Schemas["Permission"];
export type ThemeChoice = Schemas["Theme"];
export type Accent = Schemas["Accent"];
export type LanguageChoice = Schemas["Language"];
export type Registration = Schemas["Registration"];

export type Me = Schemas["User"];
export type MePatch = Partial<Pick<Me, "name" | "language" | "theme" | "accent">>;
/** Who is signed in, as the session tells it. */
export type StandingUser = Schemas["SignedInUser"];
export type Standing = Schemas["Standing"];
export type Instructions = Schemas["Instructions"];
export type Device = Schemas["Session"];
export type Key = Schemas["Key"];

/** What a person can choose to be told of, in the order of the settings. */
export const NOTICE_KINDS = ["reply_finished", "new_device", "cap_reached", "invitation", "export_ready"] as const satisfies readonly (keyof Schemas["Kinds"])[];
export type NoticeKind = (typeof NOTICE_KINDS)[number];
export type NoticePreferences = Schemas["Preferences"];
export type Notice = Schemas["Notice"];
export type NoticePage = Schemas["NoticeList"];

export type UsageTotals = Schemas["Used"];
export type UsageDay = Schemas["Day"];
export type Usage = Schemas["OwnUsage"];
export type Spent = Schemas["Share"];
export type OwnLimits = Schemas["OwnLimits"];

export type Export = Schemas["Export"];
export type Import = Schemas["Import"];

export type Account = Schemas["Account"];
export type People = Schemas["People"];
export type RoleInfo = Schemas["Role"];
export type Invitation = Narrowed<Schemas["Invitation"], { state: "open" | "accepted" | "expired" | "revoked" }>;
export type InvitationLook = Schemas["Looked"];

export type ProviderKind = "openai" | "anthropic" | "ollama";
export type Provider = Narrowed<Schemas["ProviderView"], { kind: ProviderKind; state: "answers" | "silent" | "off" }>;
export type ProviderTest = Schemas["Tried"];
export type AdminModel = Schemas["ModelView"];
export type Limits = Schemas["InstanceLimits"];
export type LimitsChange = Schemas["LimitsChange"];
export type PersonLimits = Schemas["PersonLimitsView"];
export type PersonLimitsChange = Schemas["PersonChange"];
export type UsageRow = Schemas["Row"];
export type AdminUsage = Schemas["InstanceUsage"];
export type Instance = Schemas["InstanceSettings"];
export type MailState = Schemas["MailStanding"];
export type Health = Schemas["Health"];
