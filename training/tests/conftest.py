import pathlib
import sys

HERE = pathlib.Path(__file__).parent
for folder in (HERE, HERE.parent):   # the package, installed or not, and the generated data
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
