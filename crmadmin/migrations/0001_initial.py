from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                ("key_digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("person", models.BigIntegerField(db_index=True)),
                ("sid_digest", models.CharField(blank=True, db_index=True, max_length=64)),
                ("began", models.DateTimeField()),
                ("last_active", models.DateTimeField()),
                ("ends_at", models.DateTimeField(db_index=True)),
                ("was_ended", models.BooleanField(default=False)),
                ("identity", models.TextField()),
                ("content", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="SpentLogoutToken",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
