"""`io.kestra.plugin.aws.s3`: objects of S3 and of servers like it."""

from wdprefect.plugins.aws.s3._copying import Copy
from wdprefect.plugins.aws.s3._creating import CreateBucket
from wdprefect.plugins.aws.s3._deleting import Delete, DeleteList
from wdprefect.plugins.aws.s3._downloads import Download, Downloads
from wdprefect.plugins.aws.s3._listing import List
from wdprefect.plugins.aws.s3._trigger import Trigger
from wdprefect.plugins.aws.s3._uploads import Upload

__all__ = [
    "Copy",
    "CreateBucket",
    "Delete",
    "DeleteList",
    "Download",
    "Downloads",
    "List",
    "Trigger",
    "Upload",
]
