/**
 * What is drawn: strokes in a square field whose sides are 1, which can be undone.
 */

export class Drawing {
  constructor() {
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Stroke[][]} */
    this.past = []; // what there was before each change
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get canUndo() {
    return this.past.length > 0;
  }

  /** Begin a stroke. @type {(point: Point, erases: boolean) => void} */
  begin(point, erases) {
    this.past.push(this.strokes);
    this.strokes = [...this.strokes, { points: [point], erases }];
  }

  /** Go on with the last stroke. @type {(point: Point) => void} */
  extend(point) {
    this.strokes.at(-1)?.points.push(point);
  }

  clear() {
    if (this.isEmpty) return;
    this.past.push(this.strokes);
    this.strokes = [];
  }

  undo() {
    this.strokes = this.past.pop() ?? this.strokes;
  }

  /** Draw all strokes, black on white, into a square of so many pixels.
   * @type {(pen: Pen, side: number) => void} */
  paint(pen, side) {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, side, side);
    pen.lineCap = pen.lineJoin = "round";
    for (const { points, erases } of this.strokes) {
      pen.strokeStyle = erases ? "#fff" : "#111";
      const scaled = points.map((point) => point.map((number) => number * side));
      for (let index = 0; index < scaled.length; index++) paintPiece(pen, scaled, index);
    }
  }
}

/** The piece of a stroke round one of its points: a curve from the middle before to that after.
 * @type {(pen: Pen, points: number[][], index: number) => void} */
function paintPiece(pen, points, index) {
  const [x, y, width] = points[index];
  const [startX, startY] = index ? midpoint(points[index - 1], points[index]) : [x, y];
  const isLast = index === points.length - 1;
  const [endX, endY] = isLast ? [x, y] : midpoint(points[index], points[index + 1]);
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(startX, startY);
  pen.quadraticCurveTo(x, y, endX, endY);
  pen.stroke();
}

/** @type {(one: number[], other: number[]) => Pair} */
function midpoint([x, y], [otherX, otherY]) {
  return [(x + otherX) / 2, (y + otherY) / 2];
}
