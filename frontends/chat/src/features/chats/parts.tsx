// What of the sidebar comes when it is asked for.
import { part } from "@taifas/ui-components/part";
import { withTexts } from "../../texts/locale";

export const ProfileMenu = part(async () => (await import("./ProfileMenu")).ProfileMenu, <div className="row prof" aria-hidden="true" />);
export const ChatMenu = part(async () => (await withTexts("chat", import("./ChatMenu"))).ChatMenu);
