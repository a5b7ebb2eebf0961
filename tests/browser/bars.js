// The centres of the bars in a picture of a run's graph: connected areas of a strong colour that are as high as a bar.
async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const { width, height } = image;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const isStrong = (at) => {
    const colour = data.subarray(4 * at, 4 * at + 3);
    return Math.max(...colour) - Math.min(...colour) > 80;
  };
  const seen = new Uint8Array(width * height);
  const found = [];
  for (let start = 0; start < width * height; start++) {
    if (seen[start] || !isStrong(start)) continue;
    let [left, right, top, bottom] = [width, 0, height, 0];
    const open = [start];
    seen[start] = 1;
    while (open.length) {
      const at = open.pop();
      const [x, y] = [at % width, Math.floor(at / width)];
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      for (const [next, isInside] of [
        [at - 1, x > 0],
        [at + 1, x < width - 1],
        [at - width, y > 0],
        [at + width, y < height - 1],
      ]) {
        if (!isInside || seen[next] || !isStrong(next)) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    // Lower ones are dots and the line of the run's states; 20 of the 32 pixels leave room for other themes.
    if (bottom - top > 20 && right - left > 4) found.push({ x: (left + right) / 2, y: (top + bottom) / 2 });
  }
  return found;
}
