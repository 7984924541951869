from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_connec", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlatformCopy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=64, unique=True)),
                ("version", models.CharField(blank=True, max_length=64)),
                ("content", models.JSONField(blank=True, default=dict)),
                ("fetched_at", models.DateTimeField(blank=True, null=True, verbose_name="fetched at")),
                ("attempted_at", models.DateTimeField(blank=True, null=True, verbose_name="attempted at")),
                ("error", models.CharField(blank=True, max_length=255, verbose_name="error")),
            ],
            options={
                "verbose_name": "copy of the developer platform",
                "verbose_name_plural": "copies of the developer platform",
            },
        ),
        migrations.AddField(
            model_name="connecgroup",
            name="sync_requested_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="syncrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("running", "running"),
                    ("succeeded", "succeeded"),
                    ("partial", "some records failed"),
                    ("paused", "goes on in the next slice"),
                    ("failed", "failed"),
                    ("ended", "ended: the customer stopped sharing"),
                ],
                default="running",
                max_length=10,
                verbose_name="state",
            ),
        ),
    ]
