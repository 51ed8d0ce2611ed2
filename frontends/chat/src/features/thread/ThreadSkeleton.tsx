// Stands in for a thread that takes longer than 300 ms to come.

export function ThreadSkeleton() {
  return (
    <div className="scroll" aria-busy="true">
      <div className="col thread late" aria-hidden="true">
        <div className="u"><div className="sk w-64 h-10 rounded-3" /></div>
        <div className="as grid gap-3.5">
          <div className="sk w-full" /><div className="sk w-11/12" /><div className="sk w-full" /><div className="sk w-2/3" />
        </div>
      </div>
    </div>
  );
}
