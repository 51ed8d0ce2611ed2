// What a person used: the last 30 days, and what is left of today's limits.
import { Bars } from "@taifas/ui-components/Bars";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Meter } from "@taifas/ui-components/Meter";
import { Table } from "@taifas/ui-components/Table";
import type { Spent, UsageDay } from "@taifas/api-client/shapes";
import { useQuery } from "@tanstack/react-query";
import { account, accountKeys } from "../../api/account";
import { errorText } from "../../api/useWork";
import { cost, dayLabel, daysAgo, number, short } from "../../texts/format";
import { clock, t } from "../../texts/t";
import { Row } from "./parts";

const DAYS = 30;

export function UsageTab() {
  const from = daysAgo(DAYS - 1);
  const to = daysAgo(0);
  const usage = useQuery({ queryKey: accountKeys.usage(from, to), queryFn: () => account.usage(from, to) });
  const limits = useQuery({ queryKey: accountKeys.limits, queryFn: account.limits });
  const days = perDay(usage.data?.days ?? []);
  const models = perModel(usage.data?.days ?? []);
  return (
    <>
      {limits.data && (
        <>
          <LimitRow label={t("settings.limitTokens")} spent={limits.data.tokens} format={number} resets={limits.data.resets_at} />
          <LimitRow label={t("settings.limitCost")} spent={limits.data.cost} format={cost} resets={limits.data.resets_at} />
        </>
      )}
      {usage.error && <ErrorLine text={errorText(usage.error)} />}
      {usage.data && (
        <div data-testid="own-usage">
          <h3>{t("settings.usageMonth")}</h3>
          <div className="figures">
            <div>{t("usage.answers")}<b>{number(usage.data.totals.requests)}</b></div>
            <div>{t("usage.tokensIn")}<b>{number(usage.data.totals.input_tokens)}</b></div>
            <div>{t("usage.tokensOut")}<b>{number(usage.data.totals.output_tokens)}</b></div>
            <div>{t("usage.cost")}<b>{cost(usage.data.totals.cost)}</b></div>
          </div>
          <Bars label={t("usage.perDay")} bars={days} format={short} />
          {models.length > 0 && (
            <Table label={t("usage.byModel")} columns={[{ key: "m", head: t("usage.model") }, { key: "r", head: t("usage.answers"), figures: true }, { key: "t", head: t("usage.tokens"), figures: true }, { key: "c", head: t("usage.cost"), figures: true }]}>
              {models.map(([model, row]) => (
                <tr key={model}><td><b>{model}</b></td><td className="num">{number(row.requests)}</td><td className="num">{number(row.input_tokens + row.output_tokens)}</td><td className="num">{cost(row.cost)}</td></tr>
              ))}
            </Table>
          )}
        </div>
      )}
    </>
  );
}

function LimitRow({ label, spent, format, resets }: { label: string; spent: Spent; format: (value: number) => string; resets: string }) {
  if (spent.cap === null || spent.cap === undefined) {
    return <Row label={label} hint={t("settings.limitNone")}><span>{format(spent.used)}</span></Row>;
  }
  const figures = t("settings.limitUsed", { used: format(spent.used), cap: format(spent.cap) });
  return (
    <Row label={<>{label}<Meter share={spent.cap === 0 ? 1 : spent.used / spent.cap} label={figures} /></>} hint={t("settings.limitResets", { when: clock(resets) })}>
      <span>{figures}</span>
    </Row>
  );
}

function perDay(rows: UsageDay[]) {
  const byDay = new Map<string, number>();
  for (const row of rows) byDay.set(row.day, (byDay.get(row.day) ?? 0) + row.requests);
  return Array.from({ length: DAYS }, (_, index) => {
    const day = daysAgo(DAYS - 1 - index);
    const value = byDay.get(day) ?? 0;
    return { key: day, label: dayLabel(day), value, title: t("usage.dayTitle", { day: dayLabel(day), count: value }) };
  });
}

function perModel(rows: UsageDay[]): [string, { requests: number; input_tokens: number; output_tokens: number; cost: number }][] {
  const byModel = new Map<string, { requests: number; input_tokens: number; output_tokens: number; cost: number }>();
  for (const row of rows) {
    if (!row.model) continue;
    const sum = byModel.get(row.model) ?? { requests: 0, input_tokens: 0, output_tokens: 0, cost: 0 };
    byModel.set(row.model, {
      requests: sum.requests + row.requests, input_tokens: sum.input_tokens + row.input_tokens,
      output_tokens: sum.output_tokens + row.output_tokens, cost: sum.cost + row.cost,
    });
  }
  return [...byModel].sort(([, a], [, b]) => b.requests - a.requests);
}
