import struct
import zipfile

# What a damaged list of contents makes of opening an archive: an unknown version of the format is
# not implemented, a name that is no text is a `ValueError`.
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error)
