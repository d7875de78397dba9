/** The world as dots, drawn from Natural Earth's land at 1:110 million (public domain), and where regions are on it. */

/** One row of dots each, north to south: a bit says land. */
const ROWS = [
  '0001143ff0000607',
  '0003b387f000003fe8',
  '0789d3c7f00601fffff2',
  'cffffe67800fdfffffffc',
  '1ffff486181bffffffffc',
  '3fffe106003bfffffffdc',
  '21ffc380013bffffffe1',
  '40fff3c0009bffffffe08',
  '00fff7e003bffffffff88',
  '00ffffe0007ffffffff8',
  '00fffd4000fffffffff8',
  '00fffe800077bdfffff8',
  '01fffc00038309fffff2',
  '00fff8000194fefffff1',
  '01fff000030afdffff92',
  '00fff00001f01fffffcb',
  '00ffc00003fa3fffffc',
  '007f000003ffffffffe',
  '00f8400007ffdeffffe',
  '0078000007ffef0fffe',
  '0038c0000fffefc7ff8',
  '001908000ffff7c3cf',
  '001e00000ffff7830f1',
  '000380000ffffa01038',
  '000100000ffff80105',
  '00009e0007ffff01',
  '00003f0007fffe008',
  '00003fc0000ffe00041',
  '00003fc0001ffc00026',
  '00007fe0000ffc00007',
  '00007ff8000ff000016ac',
  '00007ffe0007f0000000b2',
  '00007ffc000ff00000483',
  '00003ffc0007f8',
  '00003ff8000ff0000001',
  '00000ffc0007fb000007a',
  '00000ff8000fe600000fe',
  '000007f80007e200003ff08',
  '000007f00007e400007ff',
  '000007e00007c000007ff8',
  '00000fe00007c000007ff',
  '000007e00003c000007ff',
  '000007c0000300000063e',
  '00000780000000000000c',
  '00000700000000000000808',
  '0000070000000000000081',
  '000006',
]
const LEFT = 114
const TOP = 28.7
const ACROSS = 9.5
const DOWN = 8.226

export const VIEW_BOX = '96 14 890 400'

/** Every other row is set off by half, so that the dots lie like bricks. */
function dotsOf(row: string, index: number): string {
  const y = (TOP + index * DOWN).toFixed(1)
  const left = LEFT + (index % 2 === 0 ? ACROSS / 2 : 0)
  return [...row]
    .flatMap((digit, place) => [...Number.parseInt(digit, 16).toString(2).padStart(4, '0')].map((bit, at) => [bit, 4 * place + at] as const))
    .filter(([bit]) => bit === '1')
    .map(([, column]) => `M${(left + column * ACROSS).toFixed(1)} ${y}h0`)
    .join('')
}

export const LAND = ROWS.map(dotsOf).join('')

export type Point = readonly [number, number]

/** Longitude and latitude of the regions that are known by name. */
const PLACES: Record<string, Point> = {
  'us-east-1': [-77.5, 38.9],
  'us-east-2': [-83, 40],
  'us-west-1': [-121.9, 37.4],
  'us-west-2': [-119.3, 45.9],
  'ca-central-1': [-73.6, 45.5],
  'eu-west-1': [-6.3, 53.3],
  'eu-west-2': [-0.1, 51.5],
  'eu-west-3': [2.4, 48.9],
  'eu-central-1': [8.7, 50.1],
  'eu-central-2': [8.5, 47.4],
  'eu-north-1': [18.1, 59.3],
  'eu-south-1': [9.2, 45.5],
  'ap-northeast-1': [139.7, 35.7],
  'ap-northeast-2': [127, 37.6],
  'ap-northeast-3': [135.5, 34.7],
  'ap-southeast-1': [103.8, 1.4],
  'ap-southeast-2': [151.2, -33.9],
  'ap-south-1': [72.9, 19.1],
  'sa-east-1': [-46.6, -23.6],
  'af-south-1': [18.4, -33.9],
}

/** Where a region is on the map; one that nobody knows gets a place by its role. */
export function pointOf(region: string, role: 'primary' | 'secondary'): Point {
  const place = PLACES[region]
  if (!place) return role === 'primary' ? [300, 139] : [866, 149]
  const [longitude, latitude] = place
  return [502 + longitude * 2.606, 265 - latitude * 3.24]
}

/** An arc that leaves and arrives from above, whichever way it goes. */
export function arc([x1, y1]: Point, [x2, y2]: Point): string {
  const height = Math.min(y1, y2) - Math.max(50, Math.abs(x2 - x1) / 5)
  const lean = (x2 - x1) / 4
  return `M${x1} ${y1}C${x1 + lean} ${height} ${x2 - lean} ${height} ${x2} ${y2}`
}
