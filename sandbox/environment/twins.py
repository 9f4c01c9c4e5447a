"""Which conda packages PyPI has too, and under which name. Pure data.

A name is not looked up on PyPI: a project of the same name may be somebody else's. What is in none of these tables
counts as a package that only conda has.
"""

import re

# Another name there.
RENAMED = {
    "bs4": "beautifulsoup4",
    "dask-core": "dask",
    "faiss": "faiss-cpu",
    "keras-base": "keras",
    "lightning-base": "lightning",
    "matplotlib-base": "matplotlib",
    "mlflow-base": "mlflow",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "ortools-python": "ortools",
    "psycopg2": "psycopg2-binary",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pysoundfile": "soundfile",
    "pytables": "tables",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-tzdata": "tzdata",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "pyqt": "pyqt5",
    "redis-py": "redis",
    "ruamel-yaml": "ruamel.yaml",
    "spacy-base": "spacy",
    "streamlit-base": "streamlit",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
}

# PyPI counts one part more: conda's 4.9.0 is 4.9.0.80 there.
LONGER_VERSIONS = frozenset({"opencv-python-headless"})

# The same name and the same project.
_SAME = """
    absl-py accelerate adlfs aiohttp aiosignal albumentations altair anyio applicationinsights argon2-cffi arrow astropy
    asttokens async-timeout attrs autograd azure-ai-ml azure-common azure-core azure-cosmos azure-identity
    azure-keyvault-secrets azure-storage-blob azure-storage-file-datalake backoff bcrypt beautifulsoup4 biopython black
    bleach blinker bokeh boltons boto3 botocore bottleneck brotli cachetools catboost category-encoders celery certifi
    cffi chardet charset-normalizer click cloudpickle cmdstanpy colorama coloredlogs contourpy coverage cryptography
    cvxpy cycler cymem cython cytoolz dash dask databricks-cli databricks-sdk dataclasses-json datasets debugpy
    decorator deepdiff defusedxml dill distributed django dnspython docker docutils duckdb einops email-validator emoji
    et-xmlfile evaluate faiss-cpu fastapi fastparquet filelock flake8 flask flask-cors flatbuffers flax fonttools
    frozenlist fsspec ftfy future fuzzywuzzy gast gcsfs gensim geopandas gitpython google-auth google-cloud-bigquery
    google-cloud-storage google-pasta graphene greenlet grpcio grpcio-tools gunicorn h11 h5py hdbscan holidays html5lib
    httpcore httptools httpx huggingface-hub humanfriendly hydra-core hyperopt idna imageio imbalanced-learn imgaug
    importlib-metadata importlib-resources inflection iniconfig ipykernel ipython ipywidgets isodate isort itsdangerous
    jax jaxlib jinja2 jmespath joblib json5 jsonpickle jsonschema jupyter jupyterlab kaggle keras keras-preprocessing
    kiwisolver kornia langchain langchain-core langdetect librosa lifelines lightgbm lightning lime llvmlite loguru lxml
    lz4 mako marisa-trie markdown markupsafe marshmallow matplotlib matplotlib-inline mlflow mlflow-skinny mlxtend mock
    more-itertools mpmath msal msgpack multidict multiprocess murmurhash mypy natsort nbconvert nbformat nest-asyncio
    netcdf4 networkx nltk notebook numba numexpr numpy oauthlib omegaconf onnx onnxruntime onnxruntime-gpu openai
    openpyxl opt-einsum optuna orjson packaging pandas pandas-profiling paramiko patsy peft pendulum pillow plotly
    pluggy pmdarima polars portalocker preshed prometheus-client prompt-toolkit prophet protobuf psutil pulp pyarrow
    pyasn1 pybind11 pycocotools pycparser pycryptodome pydantic pydantic-core pydantic-settings pydot pygments pyjwt
    pymc pymongo pymysql pynndescent pyodbc pyomo pyopenssl pyparsing pyproj pyro-ppl pyspark pytest pytest-cov
    python-dateutil python-dotenv python-json-logger python-levenshtein python-multipart python-slugify
    pytorch-lightning pytorch-metric-learning pytz pywavelets pyyaml pyzmq rapidfuzz rasterio ray regex requests
    requests-oauthlib responses rich rpds-py rsa s3fs s3transfer sacrebleu sacremoses safetensors scikit-image
    scikit-learn scikit-optimize scikit-plot scipy scrapy seaborn sentence-transformers sentencepiece seqeval setuptools
    shap shapely simplejson six sktime smart-open sniffio soundfile soupsieve spacy sparse sqlalchemy sqlparse
    srsly starlette statsforecast statsmodels streamlit sympy tables tabulate tenacity tensorboard tensorflow
    tensorflow-cpu tensorflow-datasets tensorflow-estimator tensorflow-hub tensorflow-probability termcolor textblob
    thinc threadpoolctl thriftpy2 tifffile tiktoken timm tokenizers toml tomli toolz torch torchaudio torchmetrics
    torchtext torchvision tornado tqdm traitlets transformers tsfresh typer typing-extensions tzlocal ujson umap-learn
    unidecode uritemplate urllib3 uvicorn uvloop waitress wandb watchdog wcwidth webencodings websocket-client
    websockets werkzeug wheel wordcloud wrapt xarray xgboost xlrd xlsxwriter xlwt xxhash xyzservices yarl zarr zipp
    zstandard
"""
SAME = frozenset(_SAME.split())

# Not packages of Python: what wheels carry inside, or what belongs to the interpreter.
_CARRIED = """
    _libgcc_mutex _openmp_mutex _py-xgboost-mutex _tflow_select arrow-cpp binutils_impl_linux-64 blas brotli-bin bzip2
    c-ares ca-certificates cpuonly cuda cuda-cudart cuda-cupti cuda-libraries cuda-nvrtc cuda-nvtx cuda-runtime
    cuda-version cudatoolkit cudnn expat freetype giflib gmp hdf5 icu intel-openmp jpeg keyutils krb5 lame lcms2
    ld_impl_linux-64 lerc libblas libcblas libffi libgcc libgcc-ng libgfortran-ng libgfortran5 libgomp liblapack
    libopenblas libpng libprotobuf libstdcxx-ng libtiff libuuid libwebp libxgboost libxml2 libzlib llvm-openmp lz4-c
    mkl mkl-service mkl_fft mkl_random mpc mpfr nccl ncurses nomkl openblas openh264 openjpeg openmp openssl orc
    python_abi pytorch-cuda pytorch-mutex re2 readline snappy sqlite tbb tensorflow-estimator-mutex tk tzdata xz yaml
    zlib zstd
"""
CARRIED = frozenset(_CARRIED.split())


def normal(name: str) -> str:
    """Return a name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def on_pypi(name: str) -> str | None:
    """Return what PyPI calls a conda package, None where it is not known to have it."""
    name = normal(name)
    return RENAMED.get(name) or (name if name in SAME else None)


def is_carried(name: str, build: str) -> bool:
    """Tell whether a package needs no installation of its own.

    A library with a build string comes from ``conda env export``: somebody's list of what their packages brought along.
    """
    return name in CARRIED or (bool(build) and name.startswith("lib") and on_pypi(name) is None)
