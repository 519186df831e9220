"""Finding and cutting out faces as the node does, with OpenCV for Python."""
import math

import cv2
import numpy

LONG_SIDES = (320, 480, 640, 960, 1280, 1920, 2560)
STRIDE = 32
STRIDES = (8, 16, 32)
LARGEST_SCALE = 4
LARGEST_TRAINED_FACE = 300
LARGE_FACE = 192
CLOSE_UP_SIDE = 192
TOP_CANDIDATES = 5000
OVERSAMPLING = 2


def fit(side, scale):
    return max(1, round(side * scale))


def canvas_for(width, height, max_side):
    """Width, height and scale of the canvas in which a picture is searched: the node's few sizes."""
    longest = max(width, height)
    scale = min(LARGEST_SCALE, min(max_side, max(longest, LONG_SIDES[0])) / longest)
    fitted = (fit(width, scale), fit(height, scale))
    long_side = next(side for side in LONG_SIDES if side >= max(fitted))
    half, most = (-(-part // STRIDE) * STRIDE for part in (long_side // 2, long_side * 3 // 4))
    short_side = half if min(fitted) <= half else most if min(fitted) <= most else long_side
    return (long_side, short_side, scale) if width >= height else (short_side, long_side, scale)


def overlap(a, b):
    """Intersection over union of two boxes (x, y, width, height)."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


class YuNet:
    """YuNet by OpenCV's dnn module and a few lines of NumPy: cv2.FaceDetectorYN of Debian 12 cannot load the files of 2023."""

    name = "yunet"

    def __init__(self, path, options):
        self.net = cv2.dnn.readNetFromONNX(path)
        self.options = options

    def detect(self, bgr):
        """Boxes (x, y, width, height) in pixels of the picture."""
        faces, scale = self.look(bgr, self.options["max_search_side"])
        if not faces or any(face[3] * scale > LARGE_FACE for face in faces):
            faces = self.merge(faces, scale, self.look(bgr, CLOSE_UP_SIDE)[0])
        return faces

    def merge(self, faces, scale, close_ups):
        limit = self.options["nms_threshold"]
        merged = []
        for face in faces:
            confirmed = any(overlap(close_up, face) > limit for close_up in close_ups)
            if face[3] * scale <= LARGE_FACE or (confirmed and face[3] * scale <= LARGEST_TRAINED_FACE):
                merged.append(face)
        return merged + [close_up for close_up in close_ups if all(overlap(face, close_up) <= limit for face in merged)]

    def look(self, bgr, max_side):
        height, width = bgr.shape[:2]
        canvas_width, canvas_height, scale = canvas_for(width, height, max_side)
        fitted = (fit(width, scale), fit(height, scale))
        canvas = numpy.zeros((canvas_height, canvas_width, 3), numpy.uint8)
        canvas[:fitted[1], :fitted[0]] = cv2.resize(bgr, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        x, y = fitted[0] / width, fitted[1] / height
        return [(left / x, top / y, w / x, h / y) for left, top, w, h in self.search(canvas)], scale

    def search(self, canvas):
        names = [f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox")]
        self.net.setInput(cv2.dnn.blobFromImage(canvas))
        outputs = dict(zip(names, self.net.forward(names)))
        boxes, scores = [], []
        for stride in STRIDES:
            columns = canvas.shape[1] // stride
            certainty = numpy.sqrt(numpy.clip(outputs[f"cls_{stride}"].ravel(), 0, 1) * numpy.clip(outputs[f"obj_{stride}"].ravel(), 0, 1))
            cells = numpy.flatnonzero(certainty >= self.options["score_threshold"])
            box = outputs[f"bbox_{stride}"].reshape(-1, 4)[cells]
            centre = numpy.stack([cells % columns, cells // columns], axis=1) + box[:, :2]
            size = numpy.exp(box[:, 2:])
            boxes.append(numpy.concatenate([centre - size / 2, size], axis=1) * stride)
            scores.append(certainty[cells])
        boxes, scores = numpy.concatenate(boxes), numpy.concatenate(scores)
        if len(boxes) == 0:
            return []
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self.options["score_threshold"], self.options["nms_threshold"], top_k=TOP_CANDIDATES)
        return [tuple(boxes[i].tolist()) for i in numpy.ravel(kept)]


class Haar:
    """OpenCV's frontal-face cascade, with the node's parameters."""

    name = "haar"

    def __init__(self, path, options):
        self.cascade = cv2.CascadeClassifier(path)
        self.options = options

    def detect(self, bgr):
        gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
        height, width = gray.shape
        scale = min(1, self.options["max_search_side"] / max(width, height))
        if scale < 1:
            gray = cv2.resize(gray, (fit(width, scale), fit(height, scale)), interpolation=cv2.INTER_AREA)
        smallest = max(1, math.floor(self.options["min_face_side"] * scale))
        found = self.cascade.detectMultiScale(gray, 1.1, 5, cv2.CASCADE_SCALE_IMAGE, (smallest, smallest))
        x, y = gray.shape[1] / width, gray.shape[0] / height
        return [(left / x, top / y, w / x, h / y) for left, top, w, h in found]


def keep(faces, bgr, options):
    """What can be a face of the picture, the largest first."""
    height, width = bgr.shape[:2]
    usable = [
        (x, y, w, h) for x, y, w, h in faces
        if w > 0 and h >= options["min_face_side"] and 0 <= x + w / 2 < width and 0 <= y + h / 2 < height
    ]
    return sorted(usable, key=lambda box: -box[2] * box[3])[:options["max_faces"]]


def cut(bgr, box, side):
    """A square as high as the box about its centre, gray, side x side; beyond the picture's edge its last pixel is repeated."""
    x, y, width, height = box
    left, top, scale = x + (width - height) / 2, y, side / height
    canvas_side = side * OVERSAMPLING if scale < 1 else side
    margin = 2 + 0.05 * height
    first = [int(min(max(math.floor(edge - margin), 0), length - 1)) for edge, length in ((left, bgr.shape[1]), (top, bgr.shape[0]))]
    last = [int(min(max(math.ceil(edge + height + margin), start + 1), length))
            for edge, start, length in ((left, first[0], bgr.shape[1]), (top, first[1], bgr.shape[0]))]
    gray = cv2.cvtColor(bgr[first[1]:last[1], first[0]:last[0]], cv2.COLOR_BGR2GRAY)
    region = (gray.shape[1], gray.shape[0])
    scale = canvas_side / height
    if scale < 1:
        gray = cv2.resize(gray, (fit(region[0], scale), fit(region[1], scale)), interpolation=cv2.INTER_AREA)
    across, down = scale * region[0] / gray.shape[1], scale * region[1] / gray.shape[0]
    warp = numpy.array([
        [across, 0, (first[0] - left) * scale + across / 2 - 0.5],
        [0, down, (first[1] - top) * scale + down / 2 - 0.5],
    ])
    canvas = cv2.warpAffine(gray, warp, (canvas_side, canvas_side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return canvas if canvas_side == side else cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)


def shrink(bgr, side):
    """A crop that the publisher aligned, gray, brought to the model's side."""
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    if gray.shape == (side, side):
        return gray
    return cv2.resize(gray, (side, side), interpolation=cv2.INTER_AREA if max(gray.shape) > side else cv2.INTER_LINEAR)
