// The instance itself: its name and look, who may come in, and whether it can send mail.
import type { Accent, Instance, Registration, StandingUser } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { Choice } from "@taifas/ui-components/Choice";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { Note } from "@taifas/ui-components/Note";
import { Tag } from "@taifas/ui-components/Tag";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { useState, type FormEvent } from "react";
import { admin, adminKeys } from "../../api/admin";
import { keys } from "../../api/queries";
import { queryClient } from "../../api/queryClient";
import { useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { Head, Loaded } from "./parts";

const ACCENTS: readonly Accent[] = ["azurite", "moss", "plum", "rust", "graphite"];
const REGISTRATIONS: readonly Registration[] = ["open", "invite", "closed"];

export function InstancePage({ user }: { user: StandingUser }) {
  const query = useQuery({ queryKey: adminKeys.instance, queryFn: admin.instance });
  return (
    <>
      <Head title={t("admin.instance")} />
      <Loaded query={query}>{(instance) => <InstanceForm key={instance.version} instance={instance} />}</Loaded>
      <Mail to={user.email} />
    </>
  );
}

function InstanceForm({ instance }: { instance: Instance }) {
  const [accent, setAccent] = useState(instance.accent);
  const [registration, setRegistration] = useState(instance.registration);
  const [saved, setSaved] = useState(false);
  const work = useWork();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const name = String(form.get("name")).trim();
    const greeting = String(form.get("greeting")).trim();
    if (name === "") return work.setError(t("instance.nameMissing"));
    setSaved(false);
    void work.run(async () => {
      const kept = await admin.changeInstance(instance.version, { name, greeting, accent, registration });
      queryClient.setQueryData<Instance>(adminKeys.instance, kept);
      setSaved(true);
      await queryClient.invalidateQueries({ queryKey: keys.session });
    });
  };
  return (
    <form noValidate onSubmit={submit} data-testid="instance-form">
      <div className="panel">
        <h2>{t("instance.look")}</h2>
        <p className="lead">{t("instance.lookText")}</p>
        <Field label={t("people.name")} name="name" maxLength={60} defaultValue={instance.name} />
        <Field label={t("instance.greeting")} name="greeting" maxLength={500} defaultValue={instance.greeting ?? ""} placeholder={t("instance.greetingNone")} hint={t("instance.greetingHint")} />
        <div className="set-row wide">
          <div className="about">{t("instance.accent")}<small>{t("instance.accentHint")}</small></div>
          <div className="control"><Choice label={t("instance.accent")} look="swatches" value={accent} onChange={setAccent} options={ACCENTS.map((value) => ({ value, label: t(`colour.${value}`) }))} /></div>
        </div>
      </div>
      <div className="panel">
        <fieldset className="checks">
          <legend>{t("instance.registration")}</legend>
          {REGISTRATIONS.map((value) => (
            <label key={value} className="check">
              <input type="radio" name="registration" checked={registration === value} onChange={() => setRegistration(value)} />
              <span>{t(`registration.${value}`)}<small>{t(`registrationHint.${value}`)}</small></span>
            </label>
          ))}
        </fieldset>
      </div>
      <ErrorLine text={work.error} />
      <div className="buttons start below">
        <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("save")}</Button>
        <span className="hint" role="status">{saved ? t("admin.saved") : ""}</span>
      </div>
    </form>
  );
}

function Mail({ to }: { to: string }) {
  const query = useQuery({ queryKey: adminKeys.mail, queryFn: admin.mail });
  const [sent, setSent] = useState<string | null>(null);
  const work = useWork();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const address = String(new FormData(event.currentTarget).get("to")).trim();
    setSent(null);
    void work.run(() => admin.testMail(address)).then((done) => done && setSent(address));
  };
  return (
    <Loaded query={query}>
      {(mail) => (
        <div className="panel" data-testid="mail">
          <div className="ph"><h2>{t("mail.title")}</h2><Tag look={mail.configured ? "ok" : "warn"}>{t(mail.configured ? "mail.on" : "mail.off")}</Tag></div>
          <p className="lead">{mail.configured ? t("mail.through", { host: mail.host ?? "", from: mail.from ?? "" }) : t("mail.offText")}</p>
          {mail.configured && (
            <form noValidate onSubmit={submit}>
              <Field label={t("mail.to")} name="to" type="email" defaultValue={to} />
              {sent !== null && <Note look="info" icon={<CircleCheck className="i" />} title={t("mail.sent", { to: sent })} />}
              <ErrorLine text={work.error} />
              <Button type="submit" disabledReason={work.working ? t("working") : null}>{t("mail.test")}</Button>
            </form>
          )}
        </div>
      )}
    </Loaded>
  );
}
