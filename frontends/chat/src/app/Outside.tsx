// The pages outside of the chats: set-up, signing in, making an account, passwords, an account that is leaving.
import type { Standing } from "@taifas/api-client/shapes";
import type { User } from "@taifas/api-client/types";
import { useLocation } from "wouter";
import { keys } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { ForgotPage } from "../features/account/ForgotPage";
import { GracePage } from "../features/account/GracePage";
import { JoinPage } from "../features/account/JoinPage";
import { RegisterPage } from "../features/account/RegisterPage";
import { ResetPage } from "../features/account/ResetPage";
import { LanguageMenu } from "../features/language/LanguageMenu";
import { SetupPage } from "../features/setup/SetupPage";
import { SignInPage } from "../features/sign-in/SignInPage";
import { signOut } from "../stores/signOut";

interface Props {
  standing: Standing;
  lost: boolean;
  onSignedIn: (user: User) => void;
}

export function Outside({ standing, lost, onSignedIn }: Props) {
  const [path] = useLocation();
  const { state, instance, user } = standing;
  const tools = <LanguageMenu />;
  const mail = standing.mail === true;
  if (state === "setup") return <SetupPage tools={tools} onSignedIn={onSignedIn} />;
  if (path === "/join") return <JoinPage tools={tools} onSignedIn={onSignedIn} />;
  if (path === "/reset") return <ResetPage mail={mail} tools={tools} onSignedIn={onSignedIn} />;
  if (state === "signed_in" && !lost && user?.deletes_at) {
    const kept = (): void => void queryClient.invalidateQueries({ queryKey: keys.session });
    return <GracePage deletesAt={user.deletes_at} tools={tools} onKept={kept} onSignOut={() => void signOut()} />;
  }
  if (path === "/register" && !lost) {
    return <RegisterPage instance={instance.name} open={standing.registration === "open"} tools={tools} onSignedIn={onSignedIn} />;
  }
  if (path === "/forgot") return <ForgotPage mail={mail} tools={tools} />;
  return <SignInPage instance={instance.name} greeting={instance.greeting ?? null} lost={lost} registration={standing.registration === "open"} tools={tools} onSignedIn={onSignedIn} />;
}
