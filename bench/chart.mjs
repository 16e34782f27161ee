// Charts, drawn by ECharts without a browser.

import { init } from 'echarts'

const OURS = '#07c160'
const THEIRS = '#9aa5b1'

/** Horizontal bars, one for each `[name, value]`, as SVG. Without words: the pages of both languages show it. */
export function bars(rows) {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 640, height: 44 + rows.length * 32 })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    // Without a browser the width of text is a guess: room for the longest name.
    grid: { left: 120, right: 70, top: 8, bottom: 8 },
    xAxis: { type: 'value', axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: { type: 'category', inverse: true, data: rows.map(([name]) => name), axisTick: { show: false } },
    series: [
      {
        type: 'bar',
        barWidth: 18,
        data: rows.map(([name, value]) => ({ value, itemStyle: { color: name === 'wxacode' ? OURS : THEIRS } })),
        label: { show: true, position: 'right', formatter: ({ value }) => Math.round(value).toLocaleString('en') },
      },
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
