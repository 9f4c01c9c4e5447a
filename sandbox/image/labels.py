"""What stands on our images and containers: the labels are what is known of them, nothing is remembered beside."""

PREFIX = "endpoint-sandbox."
KIND = f"{PREFIX}kind"  # environment, deployment or sealed
KEY = f"{PREFIX}key"  # hash of everything that an image is made of
PYTHON = f"{PREFIX}python"
MADE_FOR = f"{PREFIX}made-for"  # ENDPOINT/DEPLOYMENT that it was first built for
HOME = f"{PREFIX}home"  # which home built it; on containers and networks whose they are
VERSION = f"{PREFIX}version"  # of this program
BASE = f"{PREFIX}base"
SPEC = f"{PREFIX}spec"  # JSON: what a sealed image was made of
SCHEMA = f"{PREFIX}schema"  # version of that JSON
REPOSITORY = "endpoint-sandbox"  # names of images: endpoint-sandbox/environment:KEY
