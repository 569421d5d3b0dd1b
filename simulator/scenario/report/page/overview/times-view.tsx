/** The times of the steps: of a run a histogram for each, of a case each beside the others. */

import { timeText, useView } from '../../../../trace-view/view.ts'
import { Wide } from '../../../../trace-view/wide.tsx'
import { rangeText, type StepTimes } from './times.ts'

const [BAR, HIGH] = [13, 34]

function Bars({ name, bars }: Pick<StepTimes, 'name' | 'bars'>) {
  const { say, step } = useView()
  const most = Math.max(...bars)
  const told = bars.flatMap((count, bin) =>
    count === 0 ? [] : [say('report.times.bar', { range: say('report.ms', { ms: rangeText(bin) }), count })],
  )
  return (
    <svg
      class="bars"
      role="img"
      aria-label={say('report.times.bars', { step: step(name), bars: told.join('; ') })}
      width={bars.length * BAR}
      height={HIGH}
    >
      {bars.map((count, bin) => {
        const high = count === 0 ? 1 : Math.max(3, (count / most) * (HIGH - 2))
        return (
          <rect key={bin} class={count > 0 ? 'some' : 'none'} x={bin * BAR} y={HIGH - high} width={BAR - 2} height={high}>
            <title>{say('report.times.bar', { range: say('report.ms', { ms: rangeText(bin) }), count })}</title>
          </rect>
        )
      })}
    </svg>
  )
}

export function Times({ times, id }: { times: readonly StepTimes[]; id: string }) {
  const { say, step } = useView()
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{say('report.times')}</h2>
      {times.length === 0 ? (
        <p class="dim">{say('report.times.none')}</p>
      ) : (
        <>
          <Wide of={id}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{say('report.step')}</th>
                  <th scope="col" class="number">
                    {say('report.times.count')}
                  </th>
                  <th scope="col" class="number">
                    {say('report.times.median')}
                  </th>
                  <th scope="col" class="number">
                    {say('report.times.p95')}
                  </th>
                  <th scope="col" class="number">
                    {say('report.times.max')}
                  </th>
                  <th scope="col">{say('report.times.histogram')}</th>
                </tr>
              </thead>
              <tbody>
                {times.map(({ name, count, median, p95, max, bars }) => (
                  <tr key={name}>
                    <th scope="row">{step(name)}</th>
                    <td class="number">{count}</td>
                    <td class="number">{timeText(say, median)}</td>
                    <td class="number">{timeText(say, p95)}</td>
                    <td class="number">{timeText(say, max)}</td>
                    <td>
                      <Bars name={name} bars={bars} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
          <p class="dim small">{say('report.times.bins', { bins: Array.from({ length: 16 }, (_, bin) => rangeText(bin)).join(', ') })}</p>
        </>
      )}
    </section>
  )
}

/** The steps of one case: how long each took, beside the others. */
export function CaseTimes({ times }: { times: readonly StepTimes[] }) {
  const { say, step } = useView()
  const longest = Math.max(...times.map(({ sum }) => sum))
  if (times.length === 0) return null
  return (
    <section aria-labelledby="times">
      <h2 id="times">{say('report.times')}</h2>
      <table class="took">
        <thead>
          <tr>
            <th scope="col">{say('report.step')}</th>
            <th scope="col" class="number">
              {say('report.times.count')}
            </th>
            <th scope="col" class="number">
              {say('report.took')}
            </th>
            <td />
          </tr>
        </thead>
        <tbody>
          {times.map(({ name, count, sum }) => (
            <tr key={name}>
              <th scope="row">{step(name)}</th>
              <td class="number">{count}</td>
              <td class="number">{timeText(say, sum)}</td>
              <td>
                <span class="length" style={{ width: `${longest > 0 ? (sum / longest) * 100 : 0}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
