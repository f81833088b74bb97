"""Makes Parquet files that are refused: packed as is not read, a page that unpacks to 100 MB, no rows. Needs pyarrow."""

from pathlib import Path

import pyarrow
import pyarrow.parquet

HERE = Path(__file__).parent
IMAGE = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])


def write(name, images, **options):
    image = pyarrow.array([{"bytes": image, "path": None} for image in images], type=IMAGE)
    table = pyarrow.table({"image": image, "label": pyarrow.array(["dog"] * len(images), type=pyarrow.string())})
    (HERE / name).mkdir(exist_ok=True)
    pyarrow.parquet.write_table(table, HERE / name / "train.parquet", **options)


write("gzip", [b"a picture"], compression="gzip")
write("bomb", [bytes(50_000_000)] * 2, compression="zstd", use_dictionary=False, data_page_size=1 << 30)
write("empty", [])
